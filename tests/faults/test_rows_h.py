"""Rows H: whose key it is, on OpenSSH's own server; a wrong one is never logged in to."""

import socket
from pathlib import Path

import pytest

from ci.adapters.ssh import open_host
from ci.decisions.host import parse_host
from ci.decisions.known_hosts import HostKey, parse_known_hosts
from ci.decisions.ssh_key import parse_ssh_key
from ci.errors import PipelineError, State
from ci.ports import HostAccess
from ci.server_errors import (
    HostInvalid,
    HostKeyChanged,
    HostKeyRevoked,
    HostPinMissing,
    HostUnknown,
    SshAuthRefused,
    SshKeyEncrypted,
    SshKeyUnreadable,
)
from tests.faults.relay import relay
from tests.faults.sockets import connections
from tests.faults.sshd import Sshd, encrypted_text, make_key, pin, private_text, sshd


@pytest.fixture
def server(tmp_path: Path):
    with sshd(tmp_path / "sshd") as running:
        yield running


def fingerprint(key) -> str:
    return HostKey(key.get_algorithm(), key.public_data).fingerprint


async def refused(access: HostAccess) -> PipelineError:
    """What a connection ends with; nothing was changed on the server, and it says so."""
    with pytest.raises(PipelineError) as caught:
        async with open_host(access):
            pass
    assert caught.value.exit_class == 7
    assert caught.value.state == State.S3
    assert caught.value.remedy
    return caught.value


OTHER = make_key()
OTHER_KIND = make_key("ecdsa-sha2-nistp256")
WRONG_PINS = {
    "H1 unknown host": (lambda s: pin(OTHER, s.port, "other.example.org"), HostUnknown),
    "H2 changed key": (lambda s: pin(OTHER, s.port), HostKeyChanged),
    "H3 revoked key": (
        lambda s: pin(s.host_key, s.port) + pin(s.host_key, s.port, marker="@revoked"),
        HostKeyRevoked,
    ),
    "H4 another kind of key than pinned": (lambda s: pin(OTHER_KIND, s.port), HostKeyChanged),
    "H5 pinned without its port": (
        lambda s: pin(s.host_key, s.port).replace(f"[127.0.0.1]:{s.port}", "127.0.0.1"),
        HostUnknown,
    ),
}


@pytest.mark.parametrize(("known", "error"), WRONG_PINS.values(), ids=WRONG_PINS)
async def test_rows_of_host_keys_end_before_any_login(server: Sshd, known, error):
    seen = await refused(server.access(known=known(server)))
    assert type(seen) is error
    assert fingerprint(server.host_key) in seen.cause
    assert len(server.connections) == 1
    log = await server.ended()
    assert "publickey" not in log
    assert "Accepted" not in log


async def test_h1_names_how_to_get_and_compare_the_key(server: Sshd):
    seen = await refused(server.access(known=pin(OTHER, server.port, "other.example.org")))
    assert f"ssh-keyscan -t ed25519 -p {server.port} 127.0.0.1" in seen.remedy
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in seen.remedy


async def test_h2_shows_the_pinned_key_and_its_line(server: Sshd):
    seen = await refused(server.access(known="# ours\n" + pin(OTHER, server.port)))
    assert fingerprint(OTHER) in seen.cause
    assert "line 2" in seen.cause


async def test_h4_a_server_without_the_pinned_kind_is_no_network_fault(server: Sshd):
    seen = await refused(server.access(known=pin(OTHER_KIND, server.port)))
    assert "ecdsa-sha2-nistp256" in seen.cause
    assert "ssh-ed25519" in seen.cause


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
async def test_a_pinned_key_of_each_kind_is_recognised(tmp_path: Path, kind: str):
    with sshd(tmp_path / "sshd", kind=kind) as running:
        async with open_host(running.access()) as host:
            assert (await host.run("echo well", timeout_s=60)).text == "well\n"


@pytest.mark.parametrize("kind", ["ecdsa-sha2-nistp521", "ssh-rsa"])
async def test_a_user_key_of_each_kind_logs_in(server: Sshd, kind: str):
    key = make_key(kind)
    server.allow(key)
    async with open_host(server.access(key=key)) as host:
        assert (await host.run("echo well", timeout_s=60)).text == "well\n"


async def test_every_address_of_a_name_is_tried(server: Sshd):
    # Where there is IPv6 it comes first, and nothing listens there.
    async with open_host(server.access(host="localhost")) as host:
        assert (await host.run("echo well", timeout_s=60)).text == "well\n"


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "\0\1 garbage"])
def test_h6_known_hosts_that_pin_nothing_are_refused_before_connecting(text: str):
    with connections() as seen, pytest.raises(HostPinMissing) as caught:
        parse_known_hosts(text)
    assert seen == []
    assert caught.value.exit_class == 7
    assert caught.value.state is None  # S0


async def test_h7_nothing_of_the_user_s_own_configuration_counts(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "home" / ".ssh"
    home.mkdir(parents=True)
    (home / "config").write_text("Host *\n  StrictHostKeyChecking no\n  IdentityFile ~/.ssh/key\n")
    (home / "known_hosts").write_text(pin(server.host_key, server.port))
    for name in ("key", "id_ed25519"):
        (home / name).write_text(private_text(server.user_key))
        (home / name).chmod(0o600)
    monkeypatch.setenv("HOME", str(home.parent))
    with agent(tmp_path / "agent") as asked:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        unknown = await refused(server.access(known=pin(OTHER, server.port, "other")))
        no_key = await refused(server.access(key=OTHER))
        with pytest.raises(BlockingIOError):
            asked.accept()
    assert type(unknown) is HostUnknown
    assert type(no_key) is SshAuthRefused


def agent(path: Path) -> socket.socket:
    """What an SSH agent listens on; here nobody may ever knock."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    listening.setblocking(False)
    return listening


async def test_h8_a_refused_user_key_is_named_with_its_user(server: Sshd):
    access = server.access(key=OTHER)
    seen = await refused(access)
    assert type(seen) is SshAuthRefused
    assert fingerprint(OTHER) in seen.cause
    assert access.address.user in seen.cause
    assert "Accepted" not in await server.ended()


async def test_h9_a_key_with_other_line_ends_logs_in(server: Sshd):
    text = private_text(server.user_key).rstrip("\n").replace("\n", "\r\n")
    address, pins = server.access().address, server.access().pins
    async with open_host(HostAccess(address, parse_ssh_key(text), pins)) as host:
        assert (await host.run("echo well", timeout_s=60)).exit_status == 0


async def test_h9_a_damaged_key_is_told_before_anything_is_contacted(server: Sshd):
    lines = private_text(server.user_key).splitlines()
    for text in ("", "\n".join(lines[:-1]), "\n".join([*lines[:2], *lines[3:]]), " ".join(lines)):
        with connections() as seen, pytest.raises(SshKeyUnreadable) as caught:
            parse_ssh_key(text)
        assert seen == []
        assert lines[1] not in str(caught.value)
    damaged = lines[3][:20] + "AAAA" + lines[3][24:]
    key = parse_ssh_key("\n".join([*lines[:3], damaged, *lines[4:]]))
    address, pins = server.access().address, server.access().pins
    with connections() as contacted:
        seen = await refused(HostAccess(address, key, pins))
    assert type(seen) is SshKeyUnreadable
    assert contacted == []


def test_h10_a_key_with_a_passphrase_is_told_apart_before_anything_is_contacted():
    with connections() as seen, pytest.raises(SshKeyEncrypted) as caught:
        parse_ssh_key(encrypted_text(make_key()))
    assert seen == []
    assert caught.value.exit_class == 7
    assert "ssh-keygen" in caught.value.remedy


NO_HOSTS = {
    "T17 an option as host": "-oProxyCommand=id",
    "T17 an option behind a user": "deploy@-oProxyCommand=id",
    "T17 an option as user": "-lroot@server",
}


@pytest.mark.parametrize("text", NO_HOSTS.values(), ids=NO_HOSTS)
def test_a_host_that_is_an_option_is_refused_before_connecting(text: str):
    with connections() as seen, pytest.raises(HostInvalid) as caught:
        parse_host(text, user="deploy")
    assert seen == []
    assert caught.value.exit_class == 2


async def test_pins_are_those_of_the_address_whatever_is_dialled(server: Sshd):
    async with relay(server.port) as cable:
        logical = "server.example.org"
        async with open_host(server.access(host=logical, endpoint=cable.endpoint)) as host:
            assert (await host.run("echo well", timeout_s=60)).exit_status == 0
        dialled = pin(server.host_key, cable.port)
        access = server.access(host=logical, endpoint=cable.endpoint, known=dialled)
        assert type(await refused(access)) is HostUnknown


async def test_a_jump_host_is_recognised_too(tmp_path: Path, server: Sshd):
    with sshd(tmp_path / "jump") as jump:
        async with open_host(jump.leading_to(server)) as host:
            assert (await host.run("echo well", timeout_s=60)).text == "well\n"
        wrong = jump.leading_to(server, known=pin(server.host_key, server.port))
        assert type(await refused(wrong)) is HostUnknown
        assert len(server.connections) == 1


async def test_the_rights_that_the_guide_gives_are_enough(tmp_path: Path, server: Sshd):
    server.allow(server.user_key, 'restrict,from="127.0.0.1"')
    only_there = f'restrict,port-forwarding,permitopen="127.0.0.1:{server.port}"'
    # An account that may not log in, as the guide makes it on a jump host.
    with sshd(tmp_path / "jump", {"ForceCommand": "/usr/sbin/nologin"}) as jump:
        async with open_host(jump.leading_to(server, options=only_there)) as host:
            await host.upload(f"{tmp_path}/x", b"content")
            assert [line async for line in host.lines(f"cat {tmp_path}/x")] == ["content"]
        elsewhere = only_there.replace(str(server.port), "1")
        seen = await refused(jump.leading_to(server, options=elsewhere))
    assert "jump" in seen.cause
