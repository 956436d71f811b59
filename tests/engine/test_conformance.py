"""Each case gives on this engine what it gave on the real one, but for the listed differences."""

import pytest

from tests.engine.at import At
from tests.engine.engines import is_embedded
from tests.engine.refusals import REFUSED, refusal_of
from tests.engine.suite import (
    Case,
    all_cases,
    outcome_of,
    read_differences,
    read_expected,
    without_prose,
)

CASES = all_cases()
EXPECTED = read_expected()
DIFFERENCES = read_differences()
MOST_DIFFERENCES = 10


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_case_gives_what_the_real_engine_gave(case: Case, at: At) -> None:
    expected = EXPECTED[case.name]
    if is_embedded() and case.name in DIFFERENCES:
        expected = {key: value for key, value in DIFFERENCES[case.name].items() if key != "reason"}
    outcome = await outcome_of(case, at)
    assert without_prose(outcome) == without_prose(expected), outcome


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.usefixtures("connection")
@pytest.mark.skipif(not is_embedded(), reason="the real engine has these fields")
@pytest.mark.parametrize("field", REFUSED)
async def test_a_field_that_is_not_served_is_named_in_its_error(field: str, at: At) -> None:
    text = await refusal_of(field, at)
    assert field in text
    assert "Dagger" in text


def test_every_case_has_a_recorded_answer_and_every_answer_a_case() -> None:
    assert CASES.keys() == EXPECTED.keys()


def test_differences_are_few_real_and_have_a_reason() -> None:
    assert len(DIFFERENCES) <= MOST_DIFFERENCES
    for name, difference in DIFFERENCES.items():
        assert difference.pop("reason"), name
        assert difference != without_prose(EXPECTED[name]), name
