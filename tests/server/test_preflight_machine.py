"""What a machine may lack or hold against a deploy: named before anything is changed there."""

import pytest

from tests.faults.remedies import command_of
from tests.server import machine
from tests.server.interruption import held_at
from tests.server.observer import same_container

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# Words before the script's call: the code that refuses it.
ENVIRONMENTS = {
    "F1 no Docker answers": ("DOCKER_HOST=unix:///run/none.sock", "DockerDown"),
    "F2 Docker is not for this user": ("DOCKER_HOST=unix:///run/closed.sock", "DockerDenied"),
}
# What docker says there instead: the code.
DOCKERS = {
    "F3 no compose": ('*" compose version "*) exit 1 ;;', "ComposeMissing"),
    "F3 compose of the first version": (
        '*" compose version "*) echo 1.29.2; exit ;;',
        "ComposeMissing",
    ),
    "F12 Docker without root": (
        """*" info "*SecurityOptions*) echo '[name=seccomp name=rootless] cgroup v2'; exit ;;""",
        "ProbeMissing",
    ),
}
TOOLS = {
    "ToolMissing, not Locked": (("flock",), "ToolMissing"),
    "nothing asks over HTTP": (("curl", "wget", "python3"), "ProbeMissing"),
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
def test_a_docker_that_cannot_be_used_is_named(deployed, image, case):
    words, code = ENVIRONMENTS[case]
    before = deployed.service()
    with machine.with_closed_socket("/run/closed.sock"):
        path = f"$PATH {words}; export DOCKER_HOST"
        done = deployed.deploy_with_path(path, image("crash"))
    assert (done.exit_code, done.code) == (8, code), done.text
    assert same_container(before, deployed.service())


@pytest.mark.parametrize("case", DOCKERS)
def test_a_docker_that_does_not_suffice_is_named(deployed, image, case):
    words, code = DOCKERS[case]
    before = deployed.service()
    path = machine.with_docker_that(deployed, words)
    done = deployed.deploy_with_path(path, image("crash"))
    assert (done.exit_code, done.code) == (8, code), done.text
    assert same_container(before, deployed.service())


@pytest.mark.parametrize("case", TOOLS)
def test_a_tool_that_is_missing_is_named_before_the_run(deployed, image, case):
    tools, code = TOOLS[case]
    before = deployed.service()
    path = machine.without_tools(deployed, *tools)
    name, plan = deployed.plan(image("crash"))
    done = deployed.with_path(path).start_plan(name, plan)
    assert done.returncode == 8, done
    assert f"- end 8 {code}" in done.stdout.splitlines()
    assert same_container(before, deployed.service())


def test_f11_a_port_of_a_stranger_is_found_be_it_a_container_or_a_process(stack, deployed, image):
    theirs = stack.deploy(image("good"), published=deployed.port)
    assert (theirs.exit_code, theirs.code) == (8, "PortTaken"), theirs.text
    assert deployed.service()[0]["Name"].removeprefix("/") in theirs.texts("seen")[0]
    with machine.with_listener(stack.port):
        process = stack.deploy(image("good"))
    assert (process.exit_code, process.code) == (8, "PortTaken"), process.text
    assert stack.service() == []


def test_x3_a_state_that_cannot_be_written_is_not_called_locked(stack, image):
    refused = stack.deploy(image("good"), platform="linux/arm64")
    assert refused.code == "PlatformMissing", refused.text
    home = f"{stack.directory}/.ci"
    stack.remote.allowed(f"rm {home}/lock && chmod a-w {home}")
    done = stack.deploy(image("good"))
    stack.remote.allowed(f"chmod u+w {home}")
    assert (done.exit_code, done.code) == (12, "StateUnwritable"), done.text
    assert stack.service() == []


def test_x3_a_disk_that_fills_in_the_run_is_told_with_where_it_is(stack, image):
    home = f"{stack.directory}/.ci"
    stack.remote.allowed(f"mkdir {home}")
    with machine.with_full_disk(home, "1m"):
        with held_at(stack, "begun", image("good")) as run:
            stack.remote.run(f"cat /dev/zero >{home}/fill")
        done = stack.follow(run)
        assert (done.exit_code, done.code) == (8, "StateUnwritable"), done.text
        assert "100%" in stack.remote.allowed(command_of(done.texts("remedy")[0]))
        stack.remote.allowed(f"rm {home}/fill")
        again = stack.deploy(image("good"), candidate="off")
    assert (again.exit_code, again.code) == (0, "Done"), again.text


def test_f9_the_own_project_by_another_path_is_not_foreign(stack, image):
    other_path = f"{stack.directory}-too"
    stack.remote.allowed(f"ln -s {stack.directory} {other_path}")
    first = stack.at(other_path).deploy(image("crash"), candidate="off", timeout=5)
    # Nothing was there to go back to: the failed container of ours is left for people to look at.
    assert (first.exit_code, first.code) == (11, "CrashLoop"), first.text
    done = stack.deploy(image("good"), candidate="off")
    stack.remote.allowed(f"rm {other_path}")
    # Its own port is not a stranger's either, though it crashes again and again.
    assert (done.exit_code, done.code) == (0, "Done"), done.text
