"""What is found before anything is changed, and plans that are not obeyed."""

import pytest

from rehearsal.layout import Layout
from rehearsal.processes import stop
from rehearsal.server import Server, start_server
from tests.server.conftest import CHECKOUT
from tests.server.driver import COMPOSE
from tests.server.observer import same_container

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# Changes of the plan: the code that refuses it.
REFUSED = {
    "another platform": ({"platform": "linux/arm64"}, "PlatformMissing"),
    "more room than there is": ({"need_kib": 9_999_999_999}, "DiskFull"),
    "a service that is not there": ({"service": "nothing"}, "ComposeInvalid"),
    "an image of its own": ({"service": "store"}, "ImageNotControlled"),
}
# Not plans: the exit code is 12 and nothing was begun.
MALFORMED = {
    "a shell's words": {"tag": "$(id)"},
    "two words": {"tag": "a b"},
    "an option": {"project": "-v"},
    "a digest too short": {"digest": "sha256:abc"},
    "upper-case digits": {"config": "sha256:" + "A" * 64},
    "an unknown key": {"surprise": "x"},
    "a newer grammar": {"plan": 2},
    "no digest": {"digest": ""},
    "no number": {"port": "80x"},
    "a relative directory": {"directory": "there"},
    "another directory": {"directory": "/home/deploy"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_changed(deployed, image, case):
    changes, code = REFUSED[case]
    before = deployed.service()
    done = deployed.deploy(image("crash"), **changes)
    assert (done.exit_code, done.code) == (8, code), done.text
    assert same_container(before, deployed.service())


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_plan_is_not_obeyed(deployed, image, case):
    before = deployed.service()
    name, plan = deployed.plan(image("good"), **MALFORMED[case])
    done = deployed.start_plan(name, plan)
    assert done.returncode == 12, (done.stdout, done.stderr)
    assert "PlanInvalid" in done.stdout
    assert same_container(before, deployed.service())


def test_a_plan_that_is_cut_short_is_not_obeyed(deployed, image):
    name, plan = deployed.plan(image("good"))
    done = deployed.start_plan(name, plan.removesuffix(b"end\n"))
    assert (done.returncode, "PlanInvalid" in done.stdout) == (12, True)


def test_a_variable_that_nobody_set_is_named(stack, image):
    stack.remote.upload(f"{stack.directory}/.env", f"PORT={stack.port}\n".encode())
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (8, "EnvUnset"), done.text
    assert "GREETING" in done.texts("seen")[0]
    assert stack.service() == []


def test_a_stack_of_somebody_else_is_taken_over_only_when_asked(stack, image):
    stack.remote.upload(f"{stack.directory}/theirs.yaml", COMPOSE.encode())
    reference = "python:3.11-slim"
    command = COMPOSE.replace(
        "    restart: unless-stopped\n", '    command: ["sleep", "infinity"]\n    init: true\n'
    )
    stack.remote.upload(f"{stack.directory}/theirs.yaml", command.encode())
    stack.remote.allowed(
        f"cd {stack.directory} && IMAGE={reference} docker compose -p {stack.project}"
        " -f theirs.yaml up -d web store"
    )
    before = stack.service()
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (8, "ProjectForeign"), done.text
    assert same_container(before, stack.service())
    done = stack.deploy(image("good"), adopt="yes")
    assert (done.exit_code, done.code) == (0, "Done"), done.text


def test_a_port_of_somebody_else_is_found(stack, deployed, image):
    done = stack.deploy(image("good"), published=deployed.port)
    assert (done.exit_code, done.code) == (8, "PortTaken"), done.text


def test_a_registry_that_the_server_cannot_reach_changes_nothing(deployed, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180000", "new")
    machine = Server(Layout(CHECKOUT), "classic")
    stop(machine.layout, f"{machine.name}-link")
    try:
        done = deployed.deploy(fresh)
    finally:
        start_server(machine)
    assert (done.exit_code, done.code) == (8, "ServerCannotPull"), done.text
    assert same_container(before, deployed.service())


def test_a_wrong_token_is_refused_and_left_nowhere(deployed, maker, tmp_path):
    before = deployed.service()
    fresh = maker.make("20260123-180001", "new")
    secret = "c2VjcmV0LXRoYXQtaXMtd3Jvbmc"
    done = deployed.deploy_as("somebody", secret, fresh)
    assert (done.exit_code, done.code) == (8, "ServerCannotPull"), done.text
    assert same_container(before, deployed.service())
    assert secret not in done.text
    assert deployed.remote.run(f"grep -rF {secret} /home/deploy /dev/shm").stdout == ""
