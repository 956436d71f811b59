"""Write expected.jsonl anew from a real engine: `python -m tests.engine.record [case ...]`.

Needs CI_ENGINE=dagger and the rehearsal. With names, only those rows are recorded; the others stay
as they are.
"""

import json
import sys
import tempfile
from pathlib import Path

import anyio
import dagger

from rehearsal.environment import read_environment
from rehearsal.layout import Layout
from tests.engine.at import At, Registry
from tests.engine.engines import engine_session, is_embedded
from tests.engine.suite import EXPECTED, Outcome, all_cases, outcome_of, read_expected

CHECKOUT = Path(__file__).resolve().parents[2]


def main(names: list[str]) -> int:
    """Record the cases called `names`, or all."""
    if is_embedded():
        print("only a real engine's answers are recorded: set CI_ENGINE=dagger", file=sys.stderr)
        return 2
    found = read_environment(Layout(CHECKOUT))
    token = Path(found["REHEARSAL_TOKEN_FILE"]).read_text().strip()
    registry = Registry(found["REHEARSAL_REGISTRY"], found["REHEARSAL_USER"], token)
    with engine_session() as session, tempfile.TemporaryDirectory() as scratch:
        at = At(session, found["REHEARSAL_MIRROR"], registry, Path(scratch))
        answers = anyio.run(record, at, names)
    known = read_expected() if EXPECTED.exists() else {}
    rows = {name: answers.get(name) or known[name] for name in all_cases()}
    EXPECTED.write_text("".join(as_line(name, row) for name, row in rows.items()))
    return 0


async def record(at: At, names: list[str]) -> dict[str, Outcome]:
    """The answers of the engine behind the session, by case."""
    answers = {}
    async with dagger.connection(dagger.Config(log_output=None)):
        for case in all_cases().values():
            if not names or case.name in names:
                answers[case.name] = await outcome_of(case, at)
                print(as_line(case.name, answers[case.name]), end="", flush=True)
    return answers


def as_line(name: str, outcome: Outcome) -> str:
    """One row of the file."""
    return json.dumps({"case": name, **outcome}, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
