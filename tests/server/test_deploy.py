"""Deploys on a real server, each judged by what that server's Docker and port show."""

import subprocess

import pytest

from tests.server.driver import wait_until
from tests.server.interruption import seen_from_outside
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_a_good_image_is_deployed_and_proven(stack, image):
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert version(stack) == image("good").tag


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_credentials_that_come_late_are_waited_for(stack, image):
    name, plan = stack.plan(image("good"))
    stack.upload_run(name, plan)
    command = stack.remote.command(stack.starting(name))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        # It has begun; what it is told arrives after that, as from a slow or busy client.
        wait_until(seen_from_outside(stack, f"out/{name}").exists)
        launcher.communicate(stack.login)
    done = stack.follow(name)
    assert (done.exit_code, done.code) == (0, "Done"), done.text


@pytest.mark.parametrize("given", [b"", b"\n", b"cut", b"cut\n", b"cut\nen"])
def test_credentials_that_end_early_change_nothing(stack, image, given):
    name, plan = stack.plan(image("good"))
    stack.upload_run(name, plan)
    stack.remote.run(stack.starting(name), given)
    done = stack.follow(name)
    assert (done.exit_code, done.code) == (12, "InputCut"), done.text
    assert stack.service() == []
