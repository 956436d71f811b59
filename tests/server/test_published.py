"""What a release publishes on the server answers before it counts as proven."""

import pytest

from tests.server import machine
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


def test_a_port_that_the_release_publishes_no_more_brings_the_old_one_back(deployed, image):
    unpublished = deployed.with_compose('    ports: ["${PORT:?}:8000"]\n', "")
    done = unpublished.deploy(image("second"), candidate="off")
    assert (done.exit_code, done.code) == (10, "PortUnreached"), done.text
    assert running(deployed) == (image("good").reference, image("good").config)
    assert version(deployed) == image("good").tag


def test_a_port_that_the_servers_firewall_refuses_is_no_success(stack, image):
    refused = ("OUTPUT", "--protocol=tcp", f"--dport={stack.port}", "--jump=REJECT")
    with machine.with_firewall(*refused):
        done = stack.deploy(image("good"), candidate="off")
    assert (done.exit_code, done.code) == (11, "PortUnreached"), done.text
    assert str(stack.port) in done.texts("seen")[0]


@pytest.mark.parametrize("tools", [(), ("curl", "python3")], ids=["curl", "wget"])
def test_a_port_that_nobody_asks_over_http_is_connected_to(deployed, image, tools):
    path = machine.without_tools(deployed, *tools)
    deployed.remote.allowed(f"ln -sf /usr/bin/busybox {path}/wget")
    changes = {"health_path": "", "port": "", "version_path": "", "candidate": "off"}
    done = deployed.deploy_with_path(path, image("good"), **changes)
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert f"port {deployed.port} answers" in done.texts("progress")
