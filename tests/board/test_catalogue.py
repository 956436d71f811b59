"""The board's list and the tests hold together, and the board says only what the tests said."""

import re
from pathlib import Path

import pytest

from tests.board.catalogue import read_catalogue, rows_of
from tests.board.scoreboard import judge_row, render_scoreboard

CHECKOUT = Path(__file__).parents[2]
CATALOGUE = read_catalogue()
COUNTS = {"T": 18, "B": 13, "A": 18, "P": 18, "V": 22, "H": 18, "F": 16, "D": 11, "G": 12, "X": 15}
LISTED = sorted({test for row in CATALOGUE.values() for test in row.tests})
# As a test is called, and as a case of a table.
NAMED = re.compile(r"def test_((?:[tbapvhfdgxw][0-9]{1,2}_)+)")
CASE = re.compile(r'"(?:[^" ]*: )?([TBAPVHFDGXW][0-9]{1,2}) ')
NAMES = {
    "tests/faults/test_rows_x.py::test_x4_a_kill": {"X4"},
    "tests/faults/test_rows_f.py::test_f1_f2_docker[down]": {"F1", "F2"},
    "tests/faults/test_rows_t.py::test_tags[T5 empty]": {"T5"},
    "tests/server/test_proof.py::test_proofs[classic-D9 another image]": {"D9"},
    "tests/unit/test_tags.py::test_every_tag[t5]": set(),
    "tests/faults/test_rows_x.py::test_x99_no_such_row": set(),
}


def test_the_catalogue_has_every_row():
    rows = {f"{letter}{at + 1}" for letter, count in COUNTS.items() for at in range(count)}
    rows |= {f"W{at + 1}" for at in range(14)} | {"DirtyTree", "CandidateUnsafe", "ProbeMissing"}
    assert set(CATALOGUE) == rows


def test_a_row_has_tests_or_a_reason_never_both():
    for row in CATALOGUE.values():
        assert not (row.not_applicable and (row.open or row.tests)), row
        assert len(row.fault) > 5, row
        assert not row.reason or len(row.reason) > 15, row


def test_no_row_is_forgotten():
    texts = "\n".join(path.read_text() for path in (CHECKOUT / "tests").rglob("*.py"))
    named = {row.upper() for found in NAMED.findall(texts) for row in found.split("_") if row}
    named |= set(CASE.findall(texts))
    silent = {row.name for row in CATALOGUE.values() if not (row.tests or row.reason)}
    assert silent - named == set()
    assert {row.name for row in CATALOGUE.values() if row.reason} & named == set()


@pytest.mark.parametrize("place", LISTED)
def test_what_is_listed_by_name_is_there(place):
    file, _, name = place.partition("::")
    assert re.search(rf"def {name}\(", (CHECKOUT / file).read_text())


@pytest.mark.parametrize(("test", "rows"), NAMES.items(), ids=range(len(NAMES)))
def test_a_test_belongs_to_the_rows_that_it_is_named_after(test, rows):
    assert rows_of(test, CATALOGUE) == rows


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({"a": "passed", "b": "passed"}, "passed"),
        ({"a": "passed", "b": "failed"}, "FAILED"),
        ({"a": "skipped"}, "FAILED"),
        ({}, "untested"),
    ],
    ids=["all passed", "one failed", "skipped proves nothing", "no test"],
)
def test_a_row_passes_only_when_all_of_it_passed(outcomes, verdict):
    assert judge_row(CATALOGUE["X4"], outcomes).verdict == verdict


def test_a_failed_row_is_named_with_its_test_on_the_page():
    judged = [judge_row(CATALOGUE["X4"], {"tests/x.py::test_x4_a": "failed"})]
    page = render_scoreboard(judged, {"commit": "0" * 40})
    assert "0 passed, 1 failed" in page
    assert "failed: tests/x.py::test_x4_a" in page


def test_what_a_row_s_tests_measured_stands_on_the_page():
    judged = judge_row(CATALOGUE["X14"], {"tests/x.py::test_x14_a": "passed"}, ["3 of 900 lost"])
    assert "| X14 | requests in flight at swap | passed | 1 | 3 of 900 lost |" in render_scoreboard(
        [judged], {}
    )


def test_figures_stand_on_the_page_each_with_how_many_runs():
    rows = [judge_row(CATALOGUE["V3"], {"tests/x.py::test_v3_a": "passed"})]
    rows.append(judge_row(CATALOGUE["P11"], {"tests/x.py::test_p11_a": "passed"}, ["25 at once"]))
    page = render_scoreboard(rows, {}, [{"name": "a lock left behind", "runs": 160, "found": "0"}])
    assert "| a lock left behind | 160 | 0 |" in page
    assert "taken for right (V, 1 kinds) | 1 | 0 |" in page
    assert "| 200 scripted sequences of faults: see P11 | | 25 at once |" in page
    assert "## Figures" not in render_scoreboard(rows, {})
