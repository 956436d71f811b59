"""The guide's commands, run as they stand there, lead to a server that can be deployed to."""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.adapters.ssh import open_host
from ci.decisions.host import HostAddress, parse_host
from ci.decisions.known_hosts import parse_known_hosts
from ci.decisions.ssh_key import parse_ssh_key
from ci.ports import HostAccess
from rehearsal.layout import Layout
from rehearsal.server import servers_folder
from tests.faults.sshd import inetd

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDE = CHECKOUT / "docs" / "guide" / "server.md"
PLACES = {
    "On the server": ("server",),
    "The pipeline's key": ("laptop", "server"),
    "The server's key": ("laptop", "server"),
    "Through a jump host": ("server",),
}
MOUNT = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$2"
cd "$2"
mkdir upper work root
mount -t overlay overlay -o lowerdir="$1",upperdir=upper,workdir=work root
mount --rbind /dev root/dev
mkdir -p root/run/sshd
chroot root userdel --remove deploy 2>/dev/null
echo ready
exec sleep infinity
"""


@dataclass(frozen=True)
class Machine:
    """A fresh Debian with Docker and SSH's server, its own settings untouched."""

    prefix: tuple[str, ...]

    def runs(self, script: str) -> str:
        """Run root's commands there; what they printed."""
        done = subprocess.run(
            [*self.prefix, "/bin/sh", "-eu"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def fresh_machine(rootfs: Path, folder: Path) -> Iterator[Machine]:
    """The rehearsal server's system before anybody changed it; gone when left."""
    folder.mkdir()
    command = ("unshare", "--mount", "sh", "-eu", "-c", MOUNT, "mount", str(rootfs), str(folder))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n"
            inside = ("nsenter", "--mount", "--target", str(holder.pid))
            yield Machine((*inside, "chroot", str(folder / "root")))
        finally:
            holder.kill()


def blocks() -> Iterator[tuple[str, str]]:
    """Where each command of the guide is for, and its text."""
    sections = GUIDE.read_text().split("\n## ")[1:]
    for name, places in PLACES.items():
        (section,) = [each for each in sections if each.startswith(name)]
        found = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
        yield from zip(places, found, strict=True)


@pytest.fixture
def machine(server: dict[str, str], tmp_path: Path) -> Iterator[Machine]:
    with fresh_machine(servers_folder(Layout(CHECKOUT)) / "rootfs", tmp_path / "machine") as found:
        yield found


async def test_the_guide_leads_to_a_server_that_can_be_deployed_to(
    machine: Machine, tmp_path: Path
):
    machine.runs("ssh-keygen -A")
    with inetd((*machine.prefix, "/usr/sbin/sshd", "-i"), tmp_path / "log") as port:
        printed = [follow(place, text, port, machine, tmp_path) for place, text in blocks()]
        prints = [set(re.findall(r"SHA256:\S+", text)) for text in printed[3:5]]
        assert prints[0] == prints[1]
        assert len(prints[0]) == 1
        key = parse_ssh_key((tmp_path / "deploy_key").read_text())
        pins = parse_known_hosts((tmp_path / "known_hosts").read_text())
        address = HostAddress("127.0.0.1", port, "deploy")
        for jump in (None, parse_host(f"jump@127.0.0.1:{port}")):
            async with open_host(HostAccess(address, key, pins, jump=jump)) as host:
                await host.upload("/srv/observer/.ci/bin/script", b"content")
                ran = await host.run("id -Gn; cat /srv/observer/.env", timeout_s=60)
            assert (ran.text, ran.exit_status) == ("deploy docker\n", 0)


def follow(place: str, text: str, port: int, machine: Machine, folder: Path) -> str:
    """Do what the guide says, for a server at this port of loopback."""
    for written, here in (
        ("server.example.org:22", f"127.0.0.1:{port}"),
        ("-p 22 server.example.org", f"-T 60 -p {port} 127.0.0.1"),
    ):
        text = text.replace(written, here)
    if place == "server":
        lines = [line for line in text.splitlines() if not line.startswith("apt-get ")]
        public = folder / "deploy_key.pub"
        if public.exists():
            lines = ["cd /root", f"cat >{public.name} <<'END'", f"{public.read_text()}END", *lines]
        return machine.runs("\n".join([*lines, ""]))
    assert shutil.which("ssh-keyscan")
    done = subprocess.run(
        ["sh", "-eu", "-c", text], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
