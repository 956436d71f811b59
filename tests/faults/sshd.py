"""OpenSSH's own server, with keys and settings of its own, on a free port of loopback.

It is started as inetd would, once for each connection: the port is taken by us and never lost,
and nothing goes on when the test ends.
"""

import asyncio
import base64
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import asyncssh

from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import parse_known_hosts
from ci.decisions.ssh_key import parse_ssh_key
from ci.ports import HostAccess
from tests.clients import missing

SETTINGS = {
    "UsePAM": "no",
    "StrictModes": "no",
    "PermitRootLogin": "prohibit-password",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PidFile": "none",
    "LogLevel": "VERBOSE",
}


def make_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    """A fresh key pair."""
    return asyncssh.generate_private_key(kind)


def private_text(key: asyncssh.SSHKey) -> str:
    """As ssh-keygen writes it."""
    return key.export_private_key().decode()


def encrypted_text(key: asyncssh.SSHKey) -> str:
    """As ssh-keygen writes it under a passphrase; what is encrypted in it is not looked at."""
    lines = private_text(key).splitlines()
    plain = base64.b64decode("".join(lines[1:-1]))
    open_words = b"\0\0\0\4none\0\0\0\4none\0\0\0\0"
    options = b"\0\0\0\x18" + b"\0\0\0\x10" + b"s" * 16 + b"\0\0\0\x10"
    protected = plain.replace(open_words, b"\0\0\0\x0aaes256-ctr\0\0\0\6bcrypt" + options)
    assert protected != plain
    return "\n".join([lines[0], base64.b64encode(protected).decode(), lines[-1]])


def pin(key: asyncssh.SSHKey, port: int, host: str = "127.0.0.1", marker: str = "") -> str:
    """A known_hosts line."""
    public = " ".join(key.export_public_key().decode().split()[:2])
    return f"{marker} [{host}]:{port} {public}\n".lstrip()


def loopback(host_key: asyncssh.SSHKey, port: int, host: str = "127.0.0.1") -> HostAccess:
    """A server that shows this key, if it is one, and a user key of nobody."""
    address = HostAddress(host, port, "deploy")
    key = parse_ssh_key(private_text(make_key()))
    return HostAccess(address, key, parse_known_hosts(pin(host_key, port, host)))


class Sshd:
    """A running server; `log` is what it wrote."""

    def __init__(self, folder: Path, host_key: asyncssh.SSHKey) -> None:
        self.folder, self.host_key = folder, host_key
        self.port = 0
        self.user_key = make_key()
        self.connections: list[subprocess.Popen[bytes]] = []

    @property
    def until_left(self) -> str:
        """A command that ends when the server is left, also where its connection was lost."""
        return f"while [ -e '{self.folder}/serving' ]; do sleep 0.2; done"

    @property
    def log(self) -> str:
        """What all its connections said."""
        return (self.folder / "log").read_text()

    async def ended(self, limit_s: float = 60) -> str:
        """The log, once every connection has ended."""
        for each in self.connections:
            await asyncio.to_thread(each.wait, limit_s)
        return self.log

    def allow(self, key: asyncssh.SSHKey, options: str = "") -> None:
        """Let this key in alone, under authorized_keys' options."""
        line = f"{options} {key.export_public_key().decode()}".lstrip()
        (self.folder / "authorized_keys").write_text(line)

    def leading_to(
        self, other: "Sshd", *, known: str | None = None, options: str = ""
    ) -> HostAccess:
        """How to reach `other` through this server, both with the other's key."""
        self.allow(other.user_key, options)
        both = pin(self.host_key, self.port) + pin(other.host_key, other.port)
        access = other.access(known=both if known is None else known)
        return replace(access, jump=self.access().address)

    def access(
        self,
        *,
        known: str | None = None,
        key: asyncssh.SSHKey | None = None,
        endpoint: str = "",
        host: str = "127.0.0.1",
    ) -> HostAccess:
        """How to reach it, as it should be or with one part replaced."""
        return HostAccess(
            HostAddress(host, self.port, pwd.getpwuid(os.getuid()).pw_name),
            parse_ssh_key(private_text(key or self.user_key)),
            parse_known_hosts(pin(self.host_key, self.port, host) if known is None else known),
            endpoint=endpoint,
        )


@contextlib.contextmanager
def sshd(
    folder: Path, settings: Mapping[str, str] | None = None, *, kind: str = "ssh-ed25519"
) -> Iterator[Sshd]:
    """Serve until left."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("no sshd")
    if os.getuid() == 0:
        # Where Debian's sshd puts its unprivileged half; its service makes it otherwise.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    server = Sshd(folder, make_key(kind))
    _write(server, settings or {})
    command = (str(program), "-i", "-f", str(folder / "sshd_config"))
    serving = folder / "serving"
    serving.touch()
    with inetd(command, folder / "log", server.connections) as server.port:
        try:
            yield server
        finally:
            serving.unlink()


@contextlib.contextmanager
def inetd(
    command: tuple[str, ...], log: Path, started: list[subprocess.Popen[bytes]] | None = None
) -> Iterator[int]:
    """Run `command` for each connection to a port; what it says on stderr goes to `log`."""
    connections = [] if started is None else started
    log.touch()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=_accept, args=(listening, command, log, connections))
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for each in connections:
                each.kill()
                each.wait()


def _accept(
    listening: socket.socket,
    command: tuple[str, ...],
    log: Path,
    connections: list[subprocess.Popen[bytes]],
) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, log.open("ab") as said:
            process = subprocess.Popen(
                (*command, "-e"), stdin=connection, stdout=connection, stderr=said
            )
        connections.append(process)


def _write(server: Sshd, settings: Mapping[str, str]) -> None:
    host_key = server.folder / "host_key"
    host_key.touch(mode=0o600)
    host_key.write_text(private_text(server.host_key))
    server.allow(server.user_key)
    whole = {
        **SETTINGS,
        "HostKey": str(host_key),
        "AuthorizedKeysFile": str(server.folder / "authorized_keys"),
        **settings,
    }
    text = "".join(f"{name} {value}\n" for name, value in whole.items())
    (server.folder / "sshd_config").write_text(text)


class Anybody(asyncssh.SSHServer):
    """Lets everybody in."""

    def begin_auth(self, username: str) -> bool:
        return False
