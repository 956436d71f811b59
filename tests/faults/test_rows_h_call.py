"""Rows H from a call on: key, known hosts and link as the engine hands them over."""

import os
import pwd
import secrets
import socket
from dataclasses import replace
from pathlib import Path

import dagger
import pytest
from dagger import PortForward, dag

from ci.adapters.ssh import open_host
from ci.decisions.host import HostAddress
from ci.decisions.placement import Server
from ci.errors import SettingsInvalid
from ci.host_access import open_host_access
from ci.ports import HostAccess
from ci.server_errors import HostPinMissing, HostUnknown, SshKeyUnreadable, SshUnreachable
from ci.settings import parse_settings
from tests.faults.relay import relay
from tests.faults.sockets import connections
from tests.faults.sshd import Sshd, make_key, pin, private_text, sshd

NAME = "server.example.org"
PRODUCTION = Server(
    "production", HostAddress(NAME, 22, pwd.getpwuid(os.getuid()).pw_name), "known_hosts"
)
pytestmark = pytest.mark.engine


@pytest.fixture
def server(tmp_path: Path):
    with sshd(tmp_path / "sshd") as running:
        yield running


def link_to(port: int) -> dagger.Service:
    return dag.host().service([PortForward(backend=port, frontend=port)])


async def accessed(
    server: Sshd, known: str, *, key: str = "", link: dagger.Service | None = None
) -> HostAccess:
    """What a call makes of its arguments; `known` lies in the source."""
    source = dag.directory().with_new_file("known_hosts", known)
    secret = dag.set_secret(secrets.token_hex(8), key or private_text(server.user_key))
    return await open_host_access(PRODUCTION, secret, None, link, source)


async def test_a_link_leads_to_the_server_that_is_pinned(connected: None, server: Sshd):
    async with relay(server.port) as cable:
        access = await accessed(server, pin(server.host_key, 22, NAME), link=link_to(cable.port))
        async with open_host(access) as host:
            assert (await host.run("echo well", timeout_s=60)).text == "well\n"
        assert cable.accepted == 1


async def test_a_link_leads_to_the_jump_host_where_there_is_one(
    connected: None, server: Sshd, tmp_path: Path
):
    address = replace(PRODUCTION.address, host="127.0.0.1", port=server.port)
    behind = replace(PRODUCTION, address=address, jump=PRODUCTION.address)
    with sshd(tmp_path / "jump") as jump:
        jump.allow(server.user_key)
        known = pin(server.host_key, server.port) + pin(jump.host_key, 22, NAME)
        source = dag.directory().with_new_file("known_hosts", known)
        key = dag.set_secret(secrets.token_hex(8), private_text(server.user_key))
        async with relay(jump.port) as cable:
            access = await open_host_access(behind, key, None, link_to(cable.port), source)
            async with open_host(access) as host:
                assert (await host.run("echo well", timeout_s=60)).text == "well\n"
        assert len(jump.connections) == len(server.connections) == 1


async def test_h1_a_link_s_own_place_pins_nothing(connected: None, server: Sshd):
    async with relay(server.port) as cable:
        dialled = pin(server.host_key, cable.port)
        access = await accessed(server, dialled, link=link_to(cable.port))
        with pytest.raises(HostUnknown):
            await open_host(access).__aenter__()


async def test_h6_a_file_that_is_missing_or_empty_is_told_before_connecting(
    connected: None, server: Sshd
):
    key = dag.set_secret(secrets.token_hex(8), private_text(server.user_key))
    for source, known in (
        (dag.directory(), None),
        (dag.directory().with_new_file("known_hosts", ""), None),
        (dag.directory(), dag.directory().file("gone")),
        (dag.directory(), dag.directory().with_new_file("x", "# nothing\n").file("x")),
    ):
        with pytest.raises(HostPinMissing):
            await open_host_access(PRODUCTION, key, known, None, source)
    assert server.connections == []


async def test_h9_a_damaged_key_is_told_and_never_shown(connected: None, server: Sshd):
    cut = "\n".join(private_text(make_key()).splitlines()[:-2])
    with pytest.raises(SshKeyUnreadable) as caught:
        await accessed(server, pin(server.host_key, 22, NAME), key=cut)
    assert not any(line in str(caught.value) for line in cut.splitlines())


async def test_h11_a_link_to_nothing_is_told(connected: None, server: Sshd):
    async def reached() -> None:
        known = pin(server.host_key, 22, NAME)
        access = await accessed(server, known, link=link_to(taken.getsockname()[1]))
        await open_host(access).__aenter__()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can
        with pytest.raises(SshUnreachable) as caught:
            await reached()
    assert "link" in str(caught.value)


NO_NAMES = {
    "T18 shell in a project": 'project = "$(id)"\nservice = "web"',
    "T18 shell in a service": 'project = "web"\nservice = "a;b"',
    "T18 a path that leaves": 'project = "web"\nservice = "web"\ncompose = "../../etc/passwd"',
    "T18 shell in a directory": '[hosts.a]\naddress = "a"\nuser = "b"\ndirectory = "/srv/`id`"',
    "T18 shell in a user": '[hosts.a]\naddress = "a"\nuser = "b;c"\ndirectory = "/srv"',
}


@pytest.mark.parametrize("text", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_with_shell_syntax_is_refused_before_connecting(text: str):
    whole = f'image = "ghcr.io/acme/observer"\n{"" if text[0] == "[" else "[deploy]"}\n{text}\n'
    with connections() as seen, pytest.raises(SettingsInvalid) as caught:
        parse_settings(whole)
    assert seen == []
    assert caught.value.exit_class == 2
