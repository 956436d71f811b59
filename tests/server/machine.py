"""Faults of the server as a machine: made from outside, each undone when its block ends."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from rehearsal import processes
from rehearsal.layout import Layout
from rehearsal.server import Server, start_server, stop_server
from rehearsal.server_link import listen_inside
from tests.server.driver import Stack, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
# Tests that run side by side, as workers of pytest-xdist, have a server each.
NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
MACHINE = Server(Layout(CHECKOUT), "classic", NUMBER)
LINK = f"{MACHINE.name}-link"
# The real docker, but for what a test wants it to say.
FAKE_DOCKER = """#!/bin/sh
case " $* " in
{cases}
esac
exec /usr/bin/docker "$@"
"""


def pid() -> int:
    """Of the server's first process, as this machine counts."""
    found = processes.running(MACHINE.layout, MACHINE.name)
    assert found is not None
    return found


# The files are in memory: a power cut ends the waiting.
HOLDING_RUNC = """#!/bin/sh
case " $* " in *" create "*)
    : >/run/start-waits
    while [ -e /run/starts-held ]; do sleep 0.1; done
esac
exec /usr/sbin/runc.real "$@"
"""


def first() -> int:
    """The first process inside, as this machine counts."""
    (found,) = Path(f"/proc/{pid()}/task/{pid()}/children").read_text().split()
    return int(found)


def restart(
    server: dict[str, str], *, power_cut: bool = False, forget_networks: bool = False
) -> None:
    """Off and on again; `server` is told where it is now."""
    stop_server(MACHINE, power_cut=power_cut)
    if forget_networks:
        (MACHINE.folder / "docker/network/files/local-kv.db").unlink(missing_ok=True)
    server |= start_server(MACHINE)


def inside(path: str) -> Path:
    """A path of the server, as root on this machine reaches it."""
    return Path(f"/proc/{pid()}/root") / path.removeprefix("/")


@contextlib.contextmanager
def without_registries() -> Iterator[None]:
    """The server reaches no registry."""
    processes.stop(MACHINE.layout, LINK)
    try:
        yield
    finally:
        start_server(MACHINE)


@contextlib.contextmanager
def with_stalled_registries() -> Iterator[None]:
    """The registries take the server's connections and never answer."""
    link = processes.running(MACHINE.layout, LINK)
    assert link is not None
    os.kill(link, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(link, signal.SIGCONT)


@contextlib.contextmanager
def with_full_disk(folder: str, size: str) -> Iterator[None]:
    """A folder of the server on a file system of its own that holds almost nothing."""
    enter = ("nsenter", "--target", str(pid()), "--mount", "--root", "--wd=/")
    subprocess.run(
        [*enter, "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True
    )
    try:
        yield
    finally:
        # A pull that was given up may still hold a file there.
        wait_until(lambda: subprocess.run([*enter, "umount", folder], check=False).returncode == 0)


@contextlib.contextmanager
def with_firewall(*rule: str) -> Iterator[None]:
    """A rule of the server's own firewall, before all others."""
    enter = ("nsenter", "--target", str(pid()), "--mount", "--root", "--net", "--wd=/", "iptables")
    subprocess.run([*enter, "--wait", "--insert", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run([*enter, "--wait", "--delete", *rule], check=True)


@contextlib.contextmanager
def with_listener(port: int) -> Iterator[None]:
    """A process of the server that listens there."""
    (listening,) = listen_inside(pid(), [port])
    with listening:
        yield


@contextlib.contextmanager
def with_starts_held() -> Iterator[None]:
    """Docker makes containers and their networks, and waits where it is to start them."""
    runc, real = inside("/usr/sbin/runc"), inside("/usr/sbin/runc.real")
    if not real.exists():
        runc.rename(real)
    runc.write_text(HOLDING_RUNC)
    runc.chmod(0o755)
    inside("/run/starts-held").touch()
    try:
        yield
    finally:
        inside("/run/starts-held").unlink(missing_ok=True)
        inside("/run/start-waits").unlink(missing_ok=True)
        inside("/usr/sbin/runc.real").rename(inside("/usr/sbin/runc"))


def a_start_waits() -> bool:
    """Under `with_starts_held`: Docker has its books of the network written, and starts."""
    return inside("/run/start-waits").exists()


def listens(port: int) -> bool:
    """Something of the server takes connections at this port."""
    rows = [line.split() for line in Path(f"/proc/{first()}/net/tcp").read_text().splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


@contextlib.contextmanager
def with_closed_socket(path: str) -> Iterator[None]:
    """A socket of the server that only root may use."""
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(inside(path)))
        inside(path).chmod(0o600)
        closed.listen()
        try:
            yield
        finally:
            inside(path).unlink()


def with_docker_that(stack: Stack, cases: str) -> str:
    """A PATH on which `docker` answers some calls otherwise; `cases` are the shell's."""
    return with_program(stack, "docker", FAKE_DOCKER.format(cases=cases))


def with_program(stack: Stack, name: str, text: str) -> str:
    """A PATH on which this script stands before the server's program of that name."""
    stack.remote.upload(f"{stack.directory}/bin/{name}", text.encode())
    stack.remote.allowed(f"chmod +x {stack.directory}/bin/{name}")
    return f"{stack.directory}/bin:$PATH"


def without_tools(stack: Stack, *tools: str) -> str:
    """A PATH that has every program of the server but these."""
    folder = f"{stack.directory}/tools"
    gone = " ".join(f"{folder}/{name}" for name in tools)
    stack.remote.allowed(
        f"mkdir -p {folder} && ln -sf /usr/bin/* /usr/sbin/* {folder}/ && rm -f {gone}"
    )
    return folder
