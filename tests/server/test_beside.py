"""Start first, behind a proxy: no request is lost, whatever the new image does or who is killed."""

import contextlib
import json

import pytest

from rehearsal.load import Load, figures
from tests.faults.remedies import command_of
from tests.server.conftest import fresh_stack
from tests.server.crew import SIZE, check_all, chosen
from tests.server.driver import wait_until
from tests.server.fronted import (
    QUICK,
    behind_a_proxy,
    fronted,
    released,
    stands_alone,
    tags,
)
from tests.server.interruption import STATES, held_at, kill, kill_at, other
from tests.server.observer import running, same_container, version

# A busy machine answers late; what is asked here is whether it answers.
PATIENT_S = 60
pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(proxied, credentials, image):
    """A stack behind a proxy that every test leaves with one proven release."""
    with fronted(proxied, credentials, image) as stack:
        yield stack


@contextlib.contextmanager
def asked(stack, per_s=100):
    """Requests through the proxy all the while; none of them may be lost."""
    host = stack.remote.server["SERVER_HOST"]
    with Load(host, stack.port, "/version", per_s=per_s, limit_s=PATIENT_S) as load:
        yield load
    seen = figures(load.answers)
    assert seen.sent > 50
    assert seen.lost == 0, [each for each in load.answers if not each.is_good][:5]


def said(image):
    return json.dumps({"tag": image.tag})


@pytest.mark.parametrize("shell", ["dash", "busybox"])
def test_no_request_is_lost_from_release_to_release(proxied, credentials, image, shell):
    with fronted(proxied, credentials, image, shell) as stack, asked(stack) as load:
        for wanted in (image("second"), image("good")):
            done = stack.deploy(wanted, **QUICK)
            assert (done.exit_code, done.code) == (0, "Done"), done.text
            stands_alone(stack, wanted)
    assert tags(load.answers) == {said(image("good")), said(image("second"))}


BAD = {
    "crash": "CrashLoop",
    "unhealthy": "HealthDisagree",
    "error": "HealthDisagree",
    "version": "WrongVersion",
    "slow-600": "HealthTimeout",
}


@pytest.mark.parametrize("mode", BAD)
def test_a_bad_image_is_never_seen_by_the_proxy(stack, image, mode):
    before = stack.service()
    with asked(stack) as load:
        done = stack.deploy(image(mode), **QUICK | ({"timeout": 3} if "slow" in mode else {}))
    assert done.exit_code == 10, done.text
    assert done.code in (BAD[mode], "Unhealthy"), done.text
    assert same_container(before, stack.service())
    assert tags(load.answers) == {said(released(stack, image))}
    assert "was never stopped" in done.texts("now")[0]
    last_words = f"last words of {image(mode).tag}"
    assert any(last_words in line for line in done.texts("log")), done.text


@pytest.fixture(scope="module")
def crew(proxied, credentials, image):
    with contextlib.ExitStack() as all_of_them:
        yield [all_of_them.enter_context(fronted(proxied, credentials, image)) for _ in range(SIZE)]


@pytest.fixture(scope="module")
def results(request, crew, image):
    for mode in ("good", "second"):
        image(mode)

    def check(stack, state):
        first, second = released(stack, image), other(image, stack)
        # Less of it: several stacks are asked at once, and the machine is to have time for them.
        with asked(stack, per_s=100 // SIZE):
            kill_at(stack, state, second, **QUICK)
            done = stack.recover()
            assert (done.exit_code, done.code) == (0, "Done"), done.text
            stands_alone(stack, second if state in ("switching", "proven") else first)
            done = stack.deploy(other(image, stack), **QUICK)
            assert (done.exit_code, done.code) == (0, "Done"), done.text

    return check_all(crew, check, chosen(request, "state"))


@pytest.mark.parametrize("state", STATES)
def test_killed_anywhere_one_proven_container_is_left_and_no_request_is_lost(results, state):
    results[state].result()


# Somewhere in the step that follows the journal's word: making, judging, ending.
@pytest.mark.parametrize(
    ("at", "line"),
    [("candidate", " s: running"), ("switching", "the proxy sees"), ("switching", "ending")],
)
def test_killed_in_the_middle_of_a_step_one_is_left_and_no_request_is_lost(stack, image, at, line):
    second = other(image, stack)
    with asked(stack):
        with held_at(stack, at, second, **QUICK | {"window": 6}) as run:
            pass
        wait_until(lambda: line in stack.out(run))
        assert kill(stack, run) >= 1
        done = stack.recover()
        assert (done.exit_code, done.code) == (0, "Done"), done.text
    stands_alone(stack, released(stack, image))


def test_the_same_release_again_replaces_nothing(stack, image):
    before = stack.service()
    done = stack.deploy(released(stack, image), **QUICK)
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert same_container(before, stack.service())
    assert any("nothing was replaced" in line for line in done.texts("note"))


def test_a_container_that_goes_bad_once_it_is_served_is_taken_back(stack, image):
    before = stack.service()
    with asked(stack):
        # Healthy through its own window; it dies in the one beside the old container.
        done = stack.deploy(image("lives-6"), **QUICK | {"window": 4})
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    assert "switching" in done.texts("state")
    assert same_container(before, stack.service())
    assert "was never stopped" in done.texts("now")[0]


def test_a_further_service_that_fails_brings_the_first_back_without_a_gap(
    proxied, credentials, image
):
    worker = (
        '  worker:\n    image: ${IMAGE:?}\n    command: ["work"]\n    stop_grace_period: 1s\n'
        "    restart: unless-stopped\n    healthcheck: {disable: true}\n"
    )
    with fronted(proxied, credentials, image) as stack:
        pair = stack.with_compose("  store:\n    image", f"{worker}  store:\n    image")
        done = pair.deploy(image("good"), **QUICK, also="worker")
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        with asked(pair):
            done = pair.deploy(image("works-not"), **QUICK | {"window": 3}, also="worker")
        assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
        stands_alone(pair, image("good"))
        with asked(pair):
            kill_at(
                pair, "rolling-back", image("works-not"), **QUICK | {"window": 3, "also": "worker"}
            )
            done = pair.recover()
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        stands_alone(pair, image("good"))
        assert running(pair, "worker") == (image("good").reference, image("good").config)


def test_several_containers_are_refused_before_anything_changes(stack, image):
    compose = f"{stack.directory}/.ci/compose/{stack.compose_digest}.yaml"
    scale = "up --detach --no-deps --no-recreate --scale web=2 web"
    reference = running(stack)[0]
    files = f"--project-name {stack.project} --project-directory {stack.directory} --file {compose}"
    stack.remote.allowed(f"IMAGE={reference} docker compose {files} {scale}")
    before = [each["Id"] for each in stack.service()]
    done = stack.deploy(image("good"), **QUICK)
    assert (done.exit_code, done.code) == (8, "ProjectForeign"), done.text
    assert [each["Id"] for each in stack.service()] == before
    stack.remote.allowed(command_of(done.texts("remedy")[0]))
    done = stack.deploy(image("good"), **QUICK)
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    stands_alone(stack, image("good"))


def test_there_and_back_between_the_two_modes(proxied, credentials, image):
    with contextlib.contextmanager(fresh_stack)(proxied, credentials, "dash") as plain:
        done = plain.deploy(image("good"), candidate="off")
        assert done.exit_code == 0, done.text
        stack = behind_a_proxy(plain)
        # The proxy's port is another one for now: the old container has the first until it ends.
        moved = stack.with_compose("${PORT:?}:80", f"{plain.port + 1000}:80")
        before = stack.service()
        done = moved.deploy(image("crash"), **QUICK)
        assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
        assert same_container(before, stack.service())
        done = moved.deploy(image("second"), **QUICK)
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        assert running(stack) == (image("second").reference, image("second").config)
        done = plain.deploy(image("good"), action="rollback", candidate="off")
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        stands = (image("good").reference, image("good").config)
        assert (running(plain), version(plain)) == (stands, image("good").tag)
