"""Every row of the catalogue is tested here, tested elsewhere, not applicable, or open; once."""

import re
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
COUNTS = {"T": 18, "B": 13, "A": 18, "P": 18, "V": 22}
LISTED: dict[str, dict[str, str]] = tomllib.loads((HERE / "rows.toml").read_text())
_NAMED = re.compile(r'(?:def test_|")([TBAPVtbapv])([0-9]{1,2})[ _]')


def named_rows() -> set[str]:
    """The rows that a test or a case of a table is named after."""
    texts = [path.read_text() for path in HERE.glob("test_rows_*.py")]
    found = [match for text in texts for match in _NAMED.finditer(text)]
    return {match[1].upper() + match[2] for match in found}


def test_every_row_is_accounted_for_once():
    rows = {f"{letter}{number + 1}" for letter, count in COUNTS.items() for number in range(count)}
    listed = [row for group in LISTED.values() for row in group]
    assert sorted(listed) == sorted(set(listed) - named_rows())
    assert named_rows() | set(listed) == rows


def test_every_reason_says_something():
    assert set(LISTED) == {"elsewhere", "not_applicable", "open"}
    assert all(len(text) > 15 for group in LISTED.values() for text in group.values())


@pytest.mark.parametrize("place", sorted(set(LISTED["elsewhere"].values())))
def test_what_is_tested_elsewhere_is_there(place: str):
    file, _, name = place.partition("::")
    assert re.search(rf"def {name}\(", (CHECKOUT / file).read_text())
