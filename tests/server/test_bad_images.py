"""Images that must never replace the good one: it goes on serving, and the reason is told."""

import pytest

from tests.server.observer import running, same_container, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# Fault of the image: the code that the transaction ends with.
FAULTS = {
    "crash": {"CrashLoop"},
    "dies": {"CrashLoop"},
    "unhealthy": {"HealthDisagree"},
    "error": {"HealthDisagree"},
    "version": {"WrongVersion"},
}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_bad_image_never_replaces_the_good_one(deployed, image, mode):
    before = deployed.service()
    done = deployed.deploy(image(mode), window=4 if mode == "dies" else 1)
    assert (done.exit_code, done.code in FAULTS[mode]) == (10, True), done.text
    assert same_container(before, deployed.service())
    assert version(deployed) == image("good").tag
    assert any(f"last words of {image(mode).tag}" in line for line in done.texts("log")), done.text
    assert "ci-candidate" not in deployed.observe("ps", "--all", "--format", "{{.Names}}")


@pytest.mark.parametrize("mode", ["crash", "error"])
def test_without_a_candidate_the_good_one_is_brought_back(deployed, image, mode):
    done = deployed.deploy(image(mode), candidate="off")
    assert (done.exit_code, done.code in FAULTS[mode]) == (10, True), done.text
    assert running(deployed) == (image("good").reference, image("good").config)
    assert version(deployed) == image("good").tag
    assert any(f"last words of {image(mode).tag}" in line for line in done.texts("log")), done.text


def test_a_slow_start_is_waited_for(deployed, image):
    done = deployed.deploy(image("slow"))
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(deployed) == (image("slow").reference, image("slow").config)
    back = deployed.deploy(image("good"), action="rollback")
    assert (back.exit_code, version(deployed)) == (0, image("good").tag), back.text


def test_a_start_slower_than_its_limit_ends_at_the_limit(deployed, image):
    before = deployed.service()
    done = deployed.deploy(image("slow"), timeout=2)
    assert (done.exit_code, done.code) == (10, "HealthTimeout"), done.text
    assert same_container(before, deployed.service())


def test_a_first_deploy_that_fails_says_that_nothing_ran_before(stack, image):
    done = stack.deploy(image("crash"))
    assert (done.exit_code, done.code) == (11, "CrashLoop"), done.text
    assert stack.service() == []
