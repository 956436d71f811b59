"""The table of command lines, on the embedded engine and, where one is asked for, a real Dagger."""

import os
import re
from collections.abc import Callable

import pytest

from tests.cli.engines import Outcome
from tests.cli.rows import GROUPS, SECRET, Row

CASES = [
    pytest.param(row, engine, id=f"{group}: {name}-{engine}", marks=mark)
    for group, rows in GROUPS.items()
    for name, row in rows.items()
    for engine, mark in (("embedded", pytest.mark.engine), ("dagger", pytest.mark.dagger))
    if engine in row.on
]


@pytest.mark.parametrize(("row", "engine"), CASES)
def test_a_command_line_prints_what_dagger_prints(
    row: Row, engine: str, run: Callable[..., Outcome]
) -> None:
    if engine == "dagger" and os.environ.get("CI_ENGINE") != "dagger":
        pytest.skip("make test-dagger runs this on a real Dagger")
    outcome = run(row.line, engine=engine, dotenv=row.dotenv, **row.environ)
    assert outcome.exit_code == row.exit_code, outcome.stderr
    if row.stdout is None:
        assert re.fullmatch(row.pattern, outcome.stdout), outcome.stdout
    else:
        assert outcome.stdout == row.stdout
    assert re.search(row.error, outcome.stderr), outcome.stderr
    assert SECRET not in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr or engine == "dagger"
