"""Transactions that are killed, cut off or come second: old or new, proven, and nothing stuck."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rehearsal import processes
from rehearsal.layout import Layout
from rehearsal.server import Server, servers_folder, start_server, stop_server
from tests.server.observer import running, version

CHECKOUT = Path(__file__).resolve().parents[2]
STATES = (
    "begun",
    "pulling",
    "pulled",
    "dependencies",
    "candidate",
    "candidate-proven",
    "switching",
    "proven",
)
QUICK = {"window": 1, "probes": 1}

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


def seen_from_outside(stack, name):
    """A file of the server, past SSH: its changes lie in a folder of this machine."""
    folder = servers_folder(Layout(CHECKOUT)) / "classic" / "upper"
    return folder / stack.directory.removeprefix("/") / ".ci" / name


def wait_for(stack, run, state):
    """Wait until the journal of `run` says `state`; False when it was over before."""
    journal = seen_from_outside(stack, "journal")
    wanted = f"state {state}\nnew {run}\n"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = journal.read_text() if journal.exists() else ""
        if wanted in text:
            return True
        if f"state settled\nnew {run}\n" in text:
            return False
        time.sleep(0.001)
    pytest.fail(f"never came to {state}:\n{journal.read_text()}")


def kill(run):
    """SIGKILL the transaction's own processes; what they started is left to itself."""
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-2:-1] == [run.encode()] and b"run" in words:
            os.kill(int(folder.name), signal.SIGKILL)
            killed += 1
    return killed


def other(image, stack):
    """The good image that does not run there now."""
    names = ["good", "second"]
    return image(names[running(stack)[0] == image(names[0]).reference])


def is_clean(stack):
    """No candidate, no half-made container, no credential in memory."""
    names = stack.observe("ps", "--all", "--format", "{{.Names}}").split()
    assert [name for name in names if stack.project in name and "candidate" in name] == []
    assert len(stack.service()) == 1
    assert stack.remote.allowed("ls /dev/shm").split() == []


@pytest.mark.parametrize("state", STATES)
def test_killed_anywhere_then_recovered(deployed, image, state):
    first, second = running(deployed)[0], other(image, deployed).reference
    run = deployed.start(other(image, deployed), **QUICK)
    assert wait_for(deployed, run, state)
    assert kill(run) >= 1
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(deployed)[0] in (first, second)
    assert version(deployed) in (image("good").tag, image("second").tag)
    is_clean(deployed)
    if state in STATES[:6]:
        assert running(deployed)[0] == first
    if state == "proven":
        assert running(deployed)[0] == second


def test_killed_in_a_pull_leaves_no_credential(deployed, image):
    wanted = other(image, deployed)
    kept = f"ci-kept/{deployed.project}/web:{wanted.digest[7:19]}"
    for name in (kept, wanted.reference):
        deployed.observe("rmi", "--force", name)
    machine = Server(Layout(CHECKOUT), "classic")
    inside = Path(f"/proc/{processes.running(machine.layout, machine.name)}/root/dev/shm")
    run = deployed.start(wanted, **QUICK)
    deadline = time.monotonic() + 30
    while not list(inside.glob("ci-deploy-*/config.json")):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert kill(run) >= 1
    assert list(inside.glob("ci-deploy-*/config.json"))
    assert deployed.follow(run).code == "Lost"
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    is_clean(deployed)


def test_killed_while_bringing_back_then_deployed(deployed, image):
    before = running(deployed)[0]
    run = deployed.start(image("crash"), candidate="off", **QUICK)
    assert wait_for(deployed, run, "rolling-back")
    assert kill(run) >= 1
    done = deployed.deploy(image("crash"), **QUICK)
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    assert running(deployed)[0] == before
    is_clean(deployed)


def test_a_power_cut_in_the_switch_is_recovered_from(server, deployed, image):
    run = deployed.start(other(image, deployed), **QUICK)
    assert wait_for(deployed, run, "switching")
    machine = Server(Layout(CHECKOUT), "classic")
    stop_server(machine, power_cut=True)
    variables = start_server(machine)
    server |= variables
    deployed.docker["DOCKER_HOST"] = variables["SERVER_DOCKER_HOST"]
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert version(deployed) in (image("good").tag, image("second").tag)
    is_clean(deployed)


def test_the_start_of_the_machine_settles_what_was_interrupted(deployed, image):
    run = deployed.start(other(image, deployed), **QUICK)
    assert wait_for(deployed, run, "switching")
    assert kill(run) >= 1
    done = deployed.remote.run(deployed.verb(f"boot {deployed.directory}"))
    assert done.returncode == 0, seen_from_outside(deployed, "out/boot").read_text()
    assert version(deployed) in (image("good").tag, image("second").tag)
    is_clean(deployed)


def test_a_damaged_journal_is_rebuilt_from_what_runs(deployed, image):
    before = running(deployed)
    deployed.remote.upload(f"{deployed.directory}/.ci/journal", b"state \xff\0 half a jour")
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(deployed) == before
    assert "corrupt" in deployed.remote.allowed(f"ls {deployed.directory}/.ci")


def test_a_journal_of_a_newer_version_is_left_alone(stack, image):
    stack.remote.upload(f"{stack.directory}/.ci/journal", b"journal 2\nstate x\nnew a\nold b\n")
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (12, "SchemaNewer"), done.text
    assert stack.service() == []


def test_a_second_deploy_is_told_who_is_at_work(deployed, image):
    run = deployed.start(other(image, deployed), **QUICK)
    assert wait_for(deployed, run, "candidate")
    second = deployed.deploy(image("crash"))
    assert (second.exit_code, second.code) == (9, "Locked"), second.text
    assert run in second.texts("seen")[0]
    first = deployed.follow(run)
    assert first.exit_code == 0, first.text


def test_a_lost_client_does_not_stop_the_deploy(deployed, image):
    wanted = other(image, deployed)
    run = deployed.start(wanted, **QUICK)
    follower = subprocess.Popen(deployed.following(run), stdout=subprocess.PIPE)
    assert wait_for(deployed, run, "candidate")
    follower.kill()
    follower.communicate()
    done = deployed.follow(run)
    assert done.exit_code == 0, done.text
    assert running(deployed) == (wanted.reference, wanted.config)
