"""Further services of the same image: switched after the first, proven with it, back with it."""

import pytest

from tests.server.driver import wait_until
from tests.server.interruption import held_at, kill, other
from tests.server.observer import running, same_container, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

WORKER = """
  worker:
    image: ${IMAGE:?}
    command: ["work"]
    restart: unless-stopped
    healthcheck: {disable: true}
    stop_grace_period: 1s
"""
TWO = {"also": "worker", "candidate": "off"}


@pytest.fixture
def pair(stack):
    """The stack of two services of one image."""
    return stack.with_compose("  store:\n", f"{WORKER}  store:\n")


def both(stack, image):
    return [running(stack, name)[0] == image.reference for name in ("web", "worker")] == [True] * 2


def test_two_services_are_proven_together_and_brought_back_together(pair, image):
    good, bad = image("good"), image("works-not")
    done = pair.deploy(good, **TWO)
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert both(pair, good)
    assert [text.endswith(" service worker") for text in done.texts("proof")] == [False, True]
    failed = pair.deploy(bad, **TWO)
    assert (failed.exit_code, failed.code) == (10, "CrashLoop"), failed.text
    assert both(pair, good)
    assert version(pair) == good.tag
    assert any(f"last words of {bad.tag}" in line for line in failed.texts("log")), failed.text


def test_a_service_that_only_the_failed_release_has_is_removed_with_it(stack, pair, image):
    done = stack.deploy(image("good"), candidate="off")
    assert done.exit_code == 0, done.text
    before = stack.service()
    failed = pair.deploy(image("works-not"), **TWO)
    assert (failed.exit_code, failed.code) == (10, "CrashLoop"), failed.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert not same_container(before, stack.service())
    assert stack.service("worker") == []


def test_killed_between_two_services_both_end_on_one_side(pair, image):
    done = pair.deploy(image("good"), **TWO)
    assert done.exit_code == 0, done.text
    wanted = other(image, pair)
    with held_at(pair, "switching", wanted, **TWO) as run:
        pass
    wait_until(lambda: "switching worker" in pair.out(run))
    kill(pair, run)
    done = pair.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert both(pair, image("good")) or both(pair, wanted)
