"""Names, ports and addresses: two checkouts on one machine share none."""

import ipaddress
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.environment import read_environment, write_environment
from rehearsal.errors import NoFreeNetwork
from rehearsal.layout import Layout
from rehearsal.network import CABLES, RANGE, choose_cable, choose_share
from rehearsal.ports import Ports, choose_ports
from rehearsal.turns import machine_turn

LONGEST_INTERFACE_NAME = 15
LONGEST_SOCKET_PATH = 107


@pytest.mark.parametrize("path", ["/a", "/" + "long/" * 30 + "checkout"], ids=["short", "long"])
def test_names_fit_where_the_kernel_puts_them(path):
    layout = Layout(Path(path))
    assert len(layout.bridge) <= LONGEST_INTERFACE_NAME
    deepest = layout.runtime / "exec" / "containerd" / "containerd-debug.sock"
    assert len(str(deepest)) <= LONGEST_SOCKET_PATH


def test_two_checkouts_share_neither_bridge_nor_runtime_folder():
    one, other = Layout(Path("/" + "x" * 100)), Layout(Path("/" + "y" * 100))
    assert one.bridge != other.bridge
    assert one.runtime != other.runtime


def test_a_checkout_keeps_its_address_range():
    assert choose_share("0a", []) == choose_share("0a", [])


def test_a_range_in_use_is_left_to_its_user():
    first = choose_share("0a", [])
    second = choose_share("0a", [ipaddress.IPv4Network(f"{first.network_address}/32")])
    assert not second.overlaps(first)
    assert second.subnet_of(RANGE)


def test_a_servers_cable_lies_in_no_checkouts_range():
    shares = {choose_share(f"{number:x}", []) for number in range(64)}
    assert len(shares) == 31
    assert not any(share.overlaps(CABLES) for share in shares)
    assert choose_cable("0a", []).subnet_of(CABLES)
    assert choose_cable("0a", [choose_cable("0a", [])]) != choose_cable("0a", [])


def test_two_checkouts_choose_one_after_the_other():
    script = (
        "import fcntl, os, sys, tempfile\n"
        "lock = os.open(tempfile.gettempdir(), os.O_RDONLY)\n"
        "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    with machine_turn():
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"BlockingIOError" in other.stderr


def test_when_every_range_is_in_use_it_says_so():
    with pytest.raises(NoFreeNetwork) as caught:
        choose_share("0a", [RANGE])
    assert caught.value.remedy


def test_a_taken_port_is_left_to_its_owner_and_the_choice_is_kept(tmp_path):
    layout = Layout(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        layout.state.mkdir(parents=True)
        (layout.state / "ports.json").write_text(json.dumps({"target": taken}))
        chosen = choose_ports(layout, lambda _: False)
    assert chosen.target != taken
    assert choose_ports(layout, lambda _: True) == chosen


def test_a_port_that_our_own_service_holds_is_kept(tmp_path):
    layout = Layout(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        layout.state.mkdir(parents=True)
        (layout.state / "ports.json").write_text(json.dumps({"target": port}))
        assert choose_ports(layout, lambda name: name == "target").target == port


def test_services_never_get_one_port_twice(tmp_path):
    layout = Layout(tmp_path)
    layout.state.mkdir(parents=True)
    (layout.state / "ports.json").write_text(json.dumps({"target": 6001, "mirror": 6001}))
    chosen = choose_ports(layout, lambda _: False)
    assert len({chosen.target, chosen.mirror, chosen.tokens}) == 3


def test_the_environment_file_survives_a_folder_with_spaces_and_quotes(tmp_path):
    layout = Layout(tmp_path / "it's a folder")
    layout.state.mkdir(parents=True)
    write_environment(layout, Ports(), docker_host=layout.docker_host, own=True)
    assert read_environment(layout)["REHEARSAL_TOKEN_FILE"] == str(layout.token_file("rehearsal"))
