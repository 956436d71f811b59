"""The page of `make bench` renders, and its counts count; nothing is measured here."""

import pytest

from bench.report import Sample, Work, render
from bench.wire import Seen, sequential

WORK = Work("a", "Publish again", "ours", ("theirs", "others"), "five trips.", times=0.5)
SEEN = Seen(20, 12_345, 2_000_000, 5)


def page(*samples: Sample) -> str:
    return render([WORK], samples, {"ours": "1.0"}, "two cores")


def test_the_page_shows_medians_ratios_and_what_was_asked():
    ours = [Sample("a", "ours", 50, seconds, SEEN) for seconds in (0.2, 0.9, 0.3)]
    text = page(*ours, Sample("a", "theirs", 50, 0.6, SEEN), Sample("a", "others", 50, 2.0))
    assert (
        "| 50 ms | ours | 0.300 | 0.200 to 0.900 | 1.00 | 5 | 20 | 12.3 kB | 2.0 MB | 3 |" in text
    )
    assert "| 50 ms | theirs | 0.600 | 0.600 to 0.600 | 0.50 | 5 | 20 |" in text
    assert "at most 0.5 times theirs; **reached**, 0.50 times" in text
    assert "- ours: 1.0" in text
    assert "Limit: five trips." in text


def test_a_goal_is_held_against_the_fastest_of_the_peers():
    text = page(
        Sample("a", "ours", 0, 0.5), Sample("a", "theirs", 0, 2.0), Sample("a", "others", 0, 0.8)
    )
    assert "at most 0.5 times others; **missed**" in text


def test_work_that_nobody_did_is_left_out():
    assert "Publish again" not in page()


SPANS = {
    "nothing": ([], 0),
    "side by side": ([(0.0, 1.0), (0.1, 1.1), (0.2, 1.2)], 1),
    "one after the other": ([(0.0, 1.0), (1.0, 2.0), (2.5, 3.0)], 3),
    "a long one beside two short ones": ([(0.0, 9.0), (0.0, 1.0), (1.5, 2.0)], 2),
}


@pytest.mark.parametrize(("spans", "count"), SPANS.values(), ids=SPANS.keys())
def test_trips_are_the_longest_row_of_requests_that_waited_for_each_other(spans, count):
    assert sequential(spans) == count


def test_what_was_waited_for_on_purpose_is_stated_apart():
    work = Work(
        "g", "Deploy", "ours", ("theirs",), "two starts.", times=1.3, apart_s=2, apart="the window"
    )
    found = [Sample("g", "ours", 0, 4.0), Sample("g", "theirs", 0, 2.0)]
    text = render([work], found, {}, "two cores")
    assert "at most 1.3 times theirs; **reached**, 1.00 times without the window (2 s)." in text


@pytest.mark.parametrize(("seconds", "word"), [(0.09, "reached"), (0.2, "missed")])
def test_without_a_peer_a_goal_is_in_seconds(seconds, word):
    work = Work("j", "Connect", "ours", (), "the client.", seconds=0.1)
    text = render([work], [Sample("j", "ours", 0, seconds)], {}, "two cores")
    assert f"at most 0.1 s; **{word}**, {seconds:.3f} s." in text
