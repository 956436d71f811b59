"""The cases, what became of one, and what the real engine gave."""

import importlib
import inspect
import json
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import anyio
import dagger

from tests.engine.at import At

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.jsonl"
DIFFERENCES = HERE / "differences.toml"
# A case that hangs is a failing case: the slowest takes a few seconds.
CASE_LIMIT_S = 120
# An engine words its errors as it likes; that they name what is wrong is
# checked by `mentions`.
PROSE = "message"

Run: TypeAlias = Callable[[At], Awaitable[object]]
Outcome: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """One row: a client's program, and the words its error must have."""

    name: str
    run: Run
    mentions: tuple[str, ...]


def mentions(*words: str) -> Callable[[Run], Run]:
    """Say which words the error of this case must have, on any engine."""

    def mark(run: Run) -> Run:
        run.__dict__["mentions"] = words
        return run

    return mark


def all_cases() -> dict[str, Case]:
    """Every case by name: the public coroutine functions of the files `cases_*.py`."""
    found: dict[str, Case] = {}
    for path in sorted(HERE.glob("cases_*.py")):
        for case in cases_of(importlib.import_module(f"tests.engine.{path.stem}")):
            if case.name in found:
                raise ValueError(f"two cases are called {case.name}")
            found[case.name] = case
    return found


def cases_of(module: ModuleType) -> Iterator[Case]:
    """The cases of one file, as they stand in it."""
    for name, run in vars(module).items():
        is_own = inspect.iscoroutinefunction(run) and run.__module__ == module.__name__
        if is_own and not name.startswith("_"):
            yield Case(name, run, getattr(run, "mentions", ()))


async def outcome_of(case: Case, at: At) -> Outcome:
    """What `case` gave: its value or its error, without this machine in it."""
    try:
        with anyio.fail_after(CASE_LIMIT_S):
            outcome: Outcome = {"ok": await case.run(at)}
    except dagger.ExecError as error:
        outcome = {
            "error": "ExecError",
            "exit_code": error.exit_code,
            "stdout": error.stdout.rstrip(),
            "stderr": error.stderr.rstrip(),
            "command": error.command,
            **described(case, error, at),
        }
    except dagger.QueryError as error:
        outcome = {"error": "QueryError", **described(case, error, at)}
    plain = json.loads(json.dumps(at.normal(outcome)))
    assert isinstance(plain, dict)
    return plain


def described(case: Case, error: Exception, at: At) -> Outcome:
    """The first line of an error, and the words of `case` that all of it lacks."""
    text = str(error)
    lacking = [word for word in case.mentions if word not in text]
    # The trace's number is of this run.
    line = text.partition("\n")[0].partition(" [traceparent:")[0]
    return {"lacks": lacking, PROSE: str(at.normal(line))[:200]}


def without_prose(outcome: Outcome) -> Outcome:
    """`outcome` as it is compared: all of it but the engine's own wording."""
    return {key: value for key, value in outcome.items() if key != PROSE}


def read_expected() -> dict[str, Outcome]:
    """What the real engine gave, by case."""
    rows = [json.loads(line) for line in EXPECTED.read_text().splitlines()]
    return {row.pop("case"): row for row in rows}


def read_differences() -> dict[str, Outcome]:
    """Where the embedded engine may differ, by case; `reason` says why."""
    return tomllib.loads(DIFFERENCES.read_text())
