"""What is said to do where a server is not reached or not recognised: done as it is printed, it
helps. The commands are run here, and at the console of a fresh Debian with SSH's own server."""

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.adapters.ssh import SshDeadlines, open_host
from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import parse_known_hosts
from ci.decisions.ssh_key import parse_ssh_key
from ci.errors import PipelineError
from ci.ports import HostAccess
from ci.server_errors import (
    HostKeyChanged,
    HostKeyRevoked,
    HostPinMissing,
    HostUnknown,
    LinkLost,
    RemoteShell,
    SshAuthRefused,
    SshKeyEncrypted,
    SshKeyUnreadable,
    SshTimeout,
    SshUnreachable,
    UploadFailed,
)
from rehearsal.layout import Layout
from rehearsal.server import servers_folder
from tests.end_to_end.test_guide import CHECKOUT, Machine, fresh_machine
from tests.faults.relay import Relay, relay
from tests.faults.remedies import command_of, commands_of, run
from tests.faults.sshd import encrypted_text, inetd, make_key, pin, private_text

ALLOW = "cat >>~deploy/.ssh/authorized_keys <<'END'\n{public}\nEND\n"
ACCOUNT = """
ssh-keygen -A
useradd --create-home --shell /bin/sh deploy
usermod --password '*' deploy
install -d -m 700 -o deploy -g deploy ~deploy/.ssh
"""
# What a person's own ~/.ssh/config would say.
SSH = """#!/bin/sh
exec /usr/bin/ssh -o IdentityFile={key} -o UserKnownHostsFile={known} -o BatchMode=yes "$@"
"""


@dataclass(frozen=True)
class Site:
    """A fresh machine, the port of its SSH server, and a folder on the laptop."""

    machine: Machine
    port: int
    laptop: Path

    def scanned(self, command: str) -> str:
        """The known_hosts lines that a command printed on the laptop."""
        return run(command, self.laptop).stdout

    def access(self, known: str, key: str, port: int = 0) -> HostAccess:
        address = HostAddress("127.0.0.1", port or self.port, "deploy")
        return HostAccess(address, parse_ssh_key(key), parse_known_hosts(known))

    def let_in(self, public: str) -> None:
        """Put a line into the account's authorized_keys, as an administrator does."""
        self.machine.runs(ALLOW.format(public=public.strip()))


@pytest.fixture(scope="module")
def site(server: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("laptop")
    rootfs = servers_folder(Layout(CHECKOUT)) / "rootfs"
    with fresh_machine(rootfs, folder / "machine") as machine:
        machine.runs(ACCOUNT)
        with inetd((*machine.prefix, "/usr/sbin/sshd", "-i"), folder / "log") as port:
            yield Site(machine, port, folder)


@pytest.fixture
def key(site: Site) -> str:
    """A key that the account takes."""
    made = make_key()
    site.let_in(made.export_public_key().decode())
    return private_text(made)


async def refused(access: HostAccess, limits: SshDeadlines | None = None) -> PipelineError:
    with pytest.raises(PipelineError) as caught:
        async with open_host(access, deadlines=limits):
            pass
    return caught.value


async def works(access: HostAccess) -> None:
    async with open_host(access) as host:
        assert (await host.run("echo well", timeout_s=60)).text == "well\n"


OTHER = make_key()
NOT_PINNED = {
    "H1 unknown": (lambda port: pin(OTHER, port, "other.example.org"), HostUnknown),
    "H2 changed": (lambda port: pin(OTHER, port), HostKeyChanged),
}


@pytest.mark.parametrize(("known", "error"), NOT_PINNED.values(), ids=NOT_PINNED)
async def test_the_key_is_compared_and_pinned_by_the_commands(site: Site, key, known, error):
    seen = await refused(site.access(known(site.port), key))
    assert type(seen) is error
    compare, scan = commands_of(seen.remedy)
    fingerprint = site.machine.runs(f"{compare}\n").split()[1]
    assert fingerprint in seen.cause
    await works(site.access(site.scanned(scan), key))


async def test_h6_the_first_key_is_got_and_compared_by_the_commands(site: Site, key):
    with pytest.raises(HostPinMissing) as caught:
        parse_known_hosts("")
    scan, compare = commands_of(caught.value.remedy)
    line = site.scanned(scan.replace("PORT HOST", f"{site.port} 127.0.0.1"))
    (site.laptop / "scanned").write_text(line)
    fingerprint = site.machine.runs(f"{compare}\n").split()[1]
    assert fingerprint in run("ssh-keygen -lf scanned", site.laptop).stdout
    await works(site.access(line, key))


async def test_h3_a_revoked_key_is_replaced_by_the_commands(site: Site, key):
    line = site.scanned(f"ssh-keyscan -t ed25519 -p {site.port} 127.0.0.1")
    revoked = f"@revoked {line}"
    seen = await refused(site.access(line + revoked, key))
    assert type(seen) is HostKeyRevoked
    renew, scan = commands_of(seen.remedy)
    site.machine.runs(f"rm /etc/ssh/ssh_host_*\n{renew}\n")
    await works(site.access(site.scanned(scan) + revoked, key))


async def test_h8_a_key_that_is_not_accepted_is_let_in_by_its_line(site: Site, key):
    line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
    own = site.laptop / "own_key"
    own.touch(mode=0o600)
    own.write_text(private_text(make_key()))
    seen = await refused(site.access(line, own.read_text()))
    assert type(seen) is SshAuthRefused
    public, log = commands_of(seen.remedy)
    assert log == "journalctl -u ssh"  # there is no systemd in this machine
    site.let_in(run(public.replace("KEY", str(own)), site.laptop).stdout)
    await works(site.access(line, own.read_text()))


BAD_KEYS = {
    "H9 damaged": (lambda: private_text(make_key())[:-80], SshKeyUnreadable),
    "H10 with a passphrase": (lambda: encrypted_text(make_key()), SshKeyEncrypted),
}


@pytest.mark.parametrize(("text", "error"), BAD_KEYS.values(), ids=BAD_KEYS)
async def test_a_key_for_this_alone_is_made_by_the_command(site: Site, tmp_path, text, error):
    line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
    with pytest.raises(error) as caught:
        parse_ssh_key(text())
    run(command_of(caught.value.remedy), tmp_path)
    site.let_in((tmp_path / "deploy_key.pub").read_text())
    await works(site.access(line, (tmp_path / "deploy_key").read_text()))


async def test_h16_an_account_without_a_shell_gets_one_by_the_command(site: Site, key):
    line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
    site.machine.runs("usermod -s /usr/sbin/nologin deploy\n")
    with pytest.raises(RemoteShell) as caught:
        await works(site.access(line, key))
    site.machine.runs(f"{command_of(caught.value.remedy)}\n")
    await works(site.access(line, key))


async def test_h11_the_command_shows_from_where_a_server_answers(site: Site, key):
    line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can
        port = taken.getsockname()[1]
        access = site.access(line.replace(str(site.port), str(port)), key, port)
        seen = await refused(access)
    assert type(seen) is SshUnreachable
    way = Relay(site.port)
    serving = await asyncio.start_server(way.carry, "127.0.0.1", port)
    try:
        assert "ssh-ed25519" in await asyncio.to_thread(site.scanned, command_of(seen.remedy))
        await works(access)
    finally:
        serving.close()
        await way.stop()


async def test_h12_the_command_answers_once_the_server_does(site: Site, key):
    async with relay(site.port) as way:
        line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
        access = site.access(line.replace(str(site.port), str(way.port)), key, way.port)
        way.swallow()
        seen = await refused(access, SshDeadlines(phase_s=1))
        way.is_silent = False
        assert type(seen) is SshTimeout
        assert "ssh-ed25519" in await asyncio.to_thread(site.scanned, command_of(seen.remedy))
        await works(access)


async def test_h13_the_command_tells_when_a_lost_server_is_back(site: Site, key):
    async with relay(site.port) as way:
        line = site.scanned(f"ssh-keyscan -p {site.port} 127.0.0.1")
        access = site.access(line.replace(str(site.port), str(way.port)), key, way.port)
        async with open_host(access) as host:
            way.cut()
            with pytest.raises(LinkLost) as caught:
                await host.run("echo late", timeout_s=60)
        command = command_of(caught.value.remedy)
        assert "ssh-ed25519" in await asyncio.to_thread(site.scanned, command)
        await works(access)


@pytest.fixture
def rehearsed(server: dict[str, str]) -> HostAccess:
    """The rehearsal server."""
    address = HostAddress(server["SERVER_HOST"], int(server["SERVER_PORT"]), "deploy")
    key = parse_ssh_key(Path(server["SERVER_KEY_FILE"]).read_text())
    return HostAccess(
        address, key, parse_known_hosts(Path(server["SERVER_KNOWN_HOSTS"]).read_text())
    )


@pytest.fixture
def own_ssh(server: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a person whose ssh knows the server."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        SSH.format(key=server["SERVER_KEY_FILE"], known=server["SERVER_KNOWN_HOSTS"])
    )
    program.chmod(0o755)
    return os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"}


async def test_an_upload_that_is_refused_is_looked_into_by_the_command(
    rehearsed: HostAccess, own_ssh, tmp_path: Path
):
    async with open_host(rehearsed) as host:
        made = await host.run('d=$(mktemp -d) && chmod a-w "$d" && echo "$d"', timeout_s=60)
        folder = made.text.strip()
        with pytest.raises(UploadFailed) as caught:
            await host.upload(f"{folder}/file", b"content")
        said = run(command_of(caught.value.remedy), tmp_path, own_ssh).stdout
        assert "dr-x------ 2 deploy deploy" in said
        assert "Inodes" in said
        await host.run(f"chmod u+w {folder}", timeout_s=60)
        await host.upload(f"{folder}/file", b"content")
        await host.run(f"rm -r {folder}", timeout_s=60)


async def test_a_command_that_takes_too_long_is_looked_into_by_the_command(
    rehearsed: HostAccess, own_ssh, tmp_path: Path
):
    async with open_host(rehearsed) as host:
        with pytest.raises(SshTimeout) as caught:
            await host.run("exec sleep 30", timeout_s=1)
        said = run(command_of(caught.value.remedy), tmp_path, own_ssh).stdout
        assert "load average" in said
        assert "%CPU" in said
        assert (await host.run("echo well", timeout_s=60)).text == "well\n"
