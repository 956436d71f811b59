"""The failure catalogue, and which of its rows a test belongs to."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# test_x4_…, also test_f1_f2_… for several rows.
_NAMED = re.compile(r"::test_((?:[tbapvhfdgxw][0-9]{1,2}_)+)")
# A case of a table: [T5 empty], [classic-D9 another image].
_CASE = re.compile(r"(?:[\[-]|: )([TBAPVHFDGXW][0-9]{1,2}) ")


@dataclass(frozen=True, slots=True)
class Row:
    """One way to fail; `reason` says why there is no test, where there is none."""

    name: str
    fault: str
    tests: tuple[str, ...] = ()
    not_applicable: str = ""
    open: str = ""

    @property
    def reason(self) -> str:
        """Why it has no test."""
        return self.not_applicable or self.open


def read_catalogue() -> dict[str, Row]:
    """Every row, in the catalogue's order."""
    listed = tomllib.loads((HERE / "catalogue.toml").read_text())
    return {
        name: Row(name, **{**values, "tests": tuple(values.get("tests", ()))})
        for name, values in listed.items()
    }


def rows_of(test: str, catalogue: dict[str, Row]) -> set[str]:
    """The rows that a test is named after or listed under.

    Args:
        test: a node's id, such as ``tests/faults/test_rows_t.py::test_bad_tags[T5 empty]``.
    """
    named = [word.upper() for found in _NAMED.findall(test) for word in found.split("_")]
    cases = _CASE.findall(test)
    listed = [row.name for row in catalogue.values() if _function(test) in row.tests]
    return {row for row in (*named, *cases, *listed) if row in catalogue}


def _function(test: str) -> str:
    return test.partition("[")[0]
