"""What is asked again, after which wait, and when it is time to give up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.retry import Budget, Retry, asked_wait_s, classify

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        *((status, "", Retry.NEVER) for status in (200, 202, 400, 401, 403, 404, 405, 416)),
        *((status, "", Retry.TRANSIENT) for status in (408, 425, 500, 502, 503, 504)),
        (429, "", Retry.THROTTLED),
        (403, "denied: permission_denied: write_package", Retry.NEVER),
        (403, "permission_denied: ... You have exceeded a secondary rate limit", Retry.THROTTLED),
        (404, "rate limit", Retry.NEVER),
    ],
)
def test_an_answer_is_sorted(status, body, expected):
    assert classify(status, body) is expected


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("", "", 0.0),
        ("7", "", 7.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", "", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", "", 0.0),
        ("soon", "", 0.0),
        ("-5", "", 0.0),
        ("\u0663", "", 0.0),
        ("", "retry-after: 10.305464ms, allowed: 2000/minute", 0.010305464),
        ("", "retry-after: 1m2.5s, allowed: 44000/minute", 62.5),
        ("3", "retry-after: 5s", 5.0),
        ("", "You have exceeded a secondary rate limit", 60.0),
    ],
)
def test_the_wait_that_a_registry_asks_for_is_read(header, body, expected):
    assert asked_wait_s(header, body, NOW) == pytest.approx(expected)


def wait(kind, **more):
    facts = {"attempt": 1, "spent_s": 0.0, "asked_s": 0.0, "jitter": 1.0}
    return Budget().next_wait_s(kind, **(facts | more))


def test_waits_double_up_to_a_cap():
    waits = [Budget().backoff_s(attempt, 1.0) for attempt in range(1, 8)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_what_cannot_heal_is_not_asked_again():
    assert wait(Retry.NEVER) is None


def test_a_transient_fault_is_tried_five_times():
    assert wait(Retry.TRANSIENT, attempt=4) == 4.0
    assert wait(Retry.TRANSIENT, attempt=5) is None


def test_the_total_time_ends_the_tries():
    assert wait(Retry.TRANSIENT, spent_s=89.0) == 0.5
    assert wait(Retry.TRANSIENT, spent_s=89.9) is None
    assert wait(Retry.THROTTLED, asked_s=200.0) == 200.0
    assert wait(Retry.THROTTLED, asked_s=200.0, spent_s=200.0) is None


def test_a_throttled_request_waits_a_second_at_least():
    assert wait(Retry.THROTTLED, jitter=0.0) == 1.0


@given(st.text(), st.text())
def test_any_answer_gives_a_wait_that_is_no_less_than_nothing(header, body):
    assert asked_wait_s(header, body, NOW) >= 0.0
