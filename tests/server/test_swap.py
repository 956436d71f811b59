"""What a client of the service notices of a deploy: asked all the while, at a rate of its own."""

import contextlib
import json

import pytest

from rehearsal.load import Answer, Load
from tests.server.observer import version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
PER_S = 50


def loaded(stack) -> Load:
    """Requests to the service's published port while the block lasts."""
    return Load(stack.remote.server["SERVER_HOST"], stack.port, "/version", per_s=PER_S)


def tag_of(answer: Answer) -> str:
    """The release that answered; "" where it was lost."""
    with contextlib.suppress(ValueError):
        return json.loads(answer.body)["tag"]
    return ""


def tags_of(load: Load) -> list[str]:
    """What each request got, in the order in which they were sent."""
    return [tag_of(each) for each in sorted(load.answers, key=lambda answer: answer.sent_s)]


def gap_of(answers: list[str]) -> list[str]:
    """From the first lost answer to the last one."""
    lost = [at for at, tag in enumerate(answers) if not tag]
    return answers[lost[0] : lost[-1] + 1] if lost else []


def figure_of(answers: list[str], what: str) -> tuple[str, str]:
    """What the scoreboard says of it."""
    return "measured", f"{answers.count('')} of {len(answers)} requests lost to {what}"


def test_x14_a_good_release_loses_requests_in_one_gap(deployed, image, record_property):
    old, new = image("good"), image("second")
    for before, after, candidate in ((old, new, "on"), (new, old, "off")):
        with loaded(deployed) as load:
            done = deployed.deploy(after, candidate=candidate)
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        answers = tags_of(load)
        told = [tag for tag in answers if tag]
        assert told == [before.tag] * told.count(before.tag) + [after.tag] * told.count(after.tag)
        assert set(told) == {before.tag, after.tag}
        # Some may be answered at the edges of it; a second gap has a second or more before it.
        gap = gap_of(answers)
        assert len(gap) - gap.count("") < PER_S
        record_property(*figure_of(answers, f"a good release, candidate {candidate}"))


def test_x14_a_bad_release_loses_no_request_where_it_must_prove_itself_first(
    deployed, image, record_property
):
    with loaded(deployed) as load:
        done = deployed.deploy(image("crash"))
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    answers = tags_of(load)
    assert set(answers) == {image("good").tag}
    assert version(deployed) == image("good").tag
    record_property(*figure_of(answers, "a bad release, candidate on"))
