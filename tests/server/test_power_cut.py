"""The power goes in the switch: a release is proven again, or what Docker itself lost is said."""

import contextlib
import time

import pytest

from tests.server import machine
from tests.server.driver import wait_until
from tests.server.fronted import QUICK as FRONTED
from tests.server.fronted import fronted, released, stands_alone
from tests.server.interruption import held_at, is_clean, other
from tests.server.observer import running, version

QUICK = {"window": 1, "probes": 1}

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def sound_docker(server):
    """What this Docker keeps of networks after a power cut would trouble its later starts."""
    yield
    machine.restart(server, forget_networks=True)


def test_x4_a_power_cut_in_the_switch_is_recovered_from(server, deployed, image):
    with held_at(deployed, "switching", other(image, deployed), **QUICK):
        pass
    # Somewhere in compose's work, or past it: every moment must do.
    time.sleep(0.5)
    machine.restart(server, power_cut=True)
    done = deployed.recover()
    if done.code == "PortStuck":
        machine.restart(server)
        done = deployed.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert version(deployed) in (image("good").tag, image("second").tag)
    is_clean(deployed)


def test_x4_a_port_that_docker_keeps_for_nobody_is_told_and_a_restart_of_docker_gives_it_back(
    server, stack, image
):
    with held_at(stack, "switching", image("good"), candidate="off", **QUICK):
        undone = contextlib.ExitStack()
        undone.enter_context(machine.with_starts_held())
    with undone:
        wait_until(machine.a_start_waits)
        assert machine.listens(stack.port)
        machine.restart(server, power_cut=True)
    done = stack.recover()
    assert (done.exit_code, done.code) == (11, "PortStuck"), done.text
    assert "restart docker" in done.texts("remedy")[0]
    machine.restart(server)
    done = stack.recover()
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack)[0] == image("good").reference
    is_clean(stack)


def test_x4_a_power_cut_beside_the_old_container_leaves_one_of_them(proxied, credentials, image):
    with fronted(proxied, credentials, image) as stack:
        with held_at(stack, "switching", image("second"), **FRONTED | {"window": 6}) as run:
            pass
        wait_until(lambda: "the proxy sees" in stack.out(run))
        machine.restart(proxied, power_cut=True)
        done = stack.recover()
        if done.code == "PortStuck":
            machine.restart(proxied)
            done = stack.recover()
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        stands_alone(stack, released(stack, image))
