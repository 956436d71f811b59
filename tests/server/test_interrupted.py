"""Transactions that are killed, cut off or come second: old or new, proven, and nothing stuck."""

import subprocess
import time

import pytest

from tests.server import machine
from tests.server.crew import check_all, chosen
from tests.server.driver import wait_until
from tests.server.interruption import STATES, held_at, is_clean, kill, kill_at, other
from tests.server.observer import running, version

QUICK = {"window": 1, "probes": 1}

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def results(request, crew, image):
    tags = {image(mode).tag for mode in ("good", "second")}

    def check(stack, state):
        first, second = running(stack)[0], other(image, stack)
        kill_at(stack, state, second, **QUICK)
        done = stack.recover()
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        assert running(stack)[0] in (first, second.reference)
        assert version(stack) in tags
        is_clean(stack)
        if state in STATES[:6]:
            assert running(stack)[0] == first
        if state == "proven":
            assert running(stack)[0] == second.reference

    return check_all(crew, check, chosen(request, "state"))


@pytest.mark.parametrize("state", STATES)
def test_x4_x10_killed_anywhere_then_recovered(results, state):
    results[state].result()


def test_x4_killed_in_a_pull_leaves_no_credential(deployed, image):
    wanted = other(image, deployed)
    kept = f"ci-kept/{deployed.project}/web:{wanted.digest[7:19]}"
    for name in (kept, wanted.reference):
        deployed.observe("rmi", "--force", name)
    memory = machine.inside("/dev/shm")
    with machine.with_stalled_registries():
        run = deployed.start(wanted, **QUICK)
        wait_until(lambda: list(memory.glob("ci-deploy-*/config.json")))
        assert kill(deployed, run) >= 1
        assert list(memory.glob("ci-deploy-*/config.json"))
        assert deployed.follow(run).code == "Lost"
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    is_clean(deployed)


def test_x4_killed_while_bringing_back_then_deployed(deployed, image):
    before = running(deployed)[0]
    kill_at(deployed, "rolling-back", image("crash"), candidate="off", **QUICK)
    done = deployed.deploy(image("crash"), **QUICK)
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    assert running(deployed)[0] == before
    is_clean(deployed)


def test_x4_the_start_of_the_machine_settles_what_was_interrupted(deployed, image):
    with held_at(deployed, "switching", other(image, deployed), **QUICK) as run:
        pass
    time.sleep(0.5)
    kill(deployed, run)
    done = deployed.remote.run(deployed.verb(f"boot {deployed.directory}"))
    assert done.returncode == 0, deployed.out("boot")
    assert version(deployed) in (image("good").tag, image("second").tag)
    is_clean(deployed)


# What a crash or a hand may leave of the journal.
JOURNALS = {
    "half a line": b"state \xff\0 half a jour",
    "nothing at all": b"",
    "cut short": b"journal 1\nstate switching\nnew ru",
}


@pytest.mark.parametrize("case", JOURNALS)
def test_x9_a_damaged_journal_is_rebuilt_from_what_runs(deployed, image, case):
    before = running(deployed)
    deployed.remote.upload(f"{deployed.directory}/.ci/journal", JOURNALS[case])
    done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(deployed) == before
    assert "corrupt" in deployed.remote.allowed(f"ls {deployed.directory}/.ci")


def test_x9_a_journal_of_a_newer_version_is_left_alone(stack, image):
    stack.remote.upload(f"{stack.directory}/.ci/journal", b"journal 2\nstate x\nnew a\nold b\n")
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (12, "SchemaNewer"), done.text
    assert stack.service() == []


def test_x1_a_second_deploy_is_told_who_is_at_work(deployed, image):
    with held_at(deployed, "candidate", other(image, deployed), **QUICK) as run:
        second = deployed.deploy(image("crash"))
    assert (second.exit_code, second.code) == (9, "Locked"), second.text
    assert run in second.texts("seen")[0]
    first = deployed.follow(run)
    assert first.exit_code == 0, first.text


def test_x2_x5_a_lost_client_does_not_stop_the_deploy(deployed, image):
    wanted = other(image, deployed)
    with held_at(deployed, "candidate", wanted, **QUICK) as run:
        follower = subprocess.Popen(deployed.following(run), stdout=subprocess.PIPE)
        assert follower.stdout is not None
        follower.stdout.readline()
        follower.kill()
        follower.communicate()
    done = deployed.follow(run)
    assert done.exit_code == 0, done.text
    assert running(deployed) == (wanted.reference, wanted.config)
