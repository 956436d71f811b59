"""Rows H: the way to a server and what it says, on OpenSSH's own server and on stalling ones."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from ci.adapters.ssh import SshDeadlines, open_host
from ci.errors import PipelineError, State
from ci.ports import Host, HostAccess
from ci.server_errors import (
    LinkLost,
    SshProtocol,
    SshTimeout,
    SshUnreachable,
)
from tests.clients import missing
from tests.faults.relay import relay
from tests.faults.sshd import Sshd, loopback, make_key, sshd

PATIENT_S = 60
# A phase before the stalled one has to fit in, also on a busy machine.
STALL_S = 5
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(tmp_path: Path):
    with sshd(tmp_path / "sshd") as running:
        yield running


async def refused(access: HostAccess, limits: SshDeadlines | None = None) -> PipelineError:
    """What a connection ends with, before anything was done."""
    with pytest.raises(PipelineError) as caught:
        async with open_host(access, deadlines=limits):
            pass
    assert (caught.value.exit_class, caught.value.state) == (7, State.S3)
    assert caught.value.remedy
    return caught.value


async def until(found: Callable[[], bool]) -> None:
    """Poll, generously."""
    async with asyncio.timeout(PATIENT_S):
        while not found():  # noqa: ASYNC110 - files and logs tell of themselves to nobody
            await asyncio.sleep(0.02)


async def test_h11_a_port_where_nothing_listens_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can
        seen = await refused(loopback(make_key(), taken.getsockname()[1]))
    assert type(seen) is SshUnreachable
    assert "refused" in seen.cause


NO_WAY = """
import asyncio, json, sys
from ci.adapters.ssh import open_host
from ci.errors import PipelineError
from tests.faults.sshd import loopback, make_key

async def seen(host):
    try:
        async with open_host(loopback(make_key(), 22, host)):
            pass
    except PipelineError as error:
        return [error.code, error.cause]

async def main():
    print(json.dumps([await seen("10.1.2.3"), await seen("no-such-host.invalid")]))

asyncio.run(main())
"""


def test_h11_no_route_and_no_such_name_are_told_apart():
    program = shutil.which("unshare")
    if program is None:
        missing("no unshare")
    inside = (program, "--map-root-user", "--net", sys.executable, "-c", NO_WAY)
    done = subprocess.run(inside, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    route, name = json.loads(done.stdout)
    assert route[0] == name[0] == "SshUnreachable"
    assert "no route" in route[1]
    assert "not known (DNS)" in name[1]


@contextlib.asynccontextmanager
async def silent_after(greeting: bytes, *, closes: bool = False) -> AsyncIterator[int]:
    """A port that says this and then nothing, and closes nothing unless asked to."""
    writers = list[asyncio.StreamWriter]()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(greeting)
        if closes:
            writer.close()

    serving = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield serving.sockets[0].getsockname()[1]
    finally:
        serving.close()
        for writer in writers:
            writer.transport.abort()
        await serving.wait_closed()


STALLS = {
    "H12 stalled greeting": (b"", "greeting"),
    "H12 stalled key exchange": (b"SSH-2.0-Stalling\r\n", "key exchange"),
}


@pytest.mark.parametrize(("greeting", "phase"), STALLS.values(), ids=STALLS)
async def test_a_server_that_falls_silent_is_told_by_its_phase(greeting: bytes, phase: str):
    async with silent_after(greeting) as port:
        seen = await refused(loopback(make_key(), port), SshDeadlines(phase_s=STALL_S))
    assert type(seen) is SshTimeout
    assert phase in seen.cause


class Stalling(asyncssh.SSHServer):
    """Knows everybody, and never says so."""

    async def begin_auth(self, username: str) -> bool:
        await asyncio.Event().wait()
        return True


async def test_h12_a_stalled_login_is_told_from_a_refused_one():
    key = make_key()
    async with asyncssh.listen(
        "127.0.0.1", 0, server_factory=Stalling, server_host_keys=[key], login_timeout=0
    ) as listening:
        seen = await refused(loopback(key, listening.get_port()), SshDeadlines(phase_s=STALL_S))
    assert type(seen) is SshTimeout
    assert "login" in seen.cause


async def test_a_protocol_that_is_too_old_is_named():
    async with silent_after(b"SSH-1.5-old\r\n") as port:
        seen = await refused(loopback(make_key(), port))
    assert type(seen) is SshProtocol


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_what_closes_without_a_greeting_is_no_server_that_can_be_reached(greeting: bytes):
    async with silent_after(greeting, closes=True) as port:
        seen = await refused(loopback(make_key(), port))
    assert type(seen) is SshUnreachable
    assert "greeting" in seen.cause


async def test_h13_a_cut_link_leaves_the_command_running_and_another_connection_follows_it(
    server: Sshd, tmp_path: Path
):
    said, go_on = tmp_path / "said", tmp_path / "go on"
    work = (
        f"(while [ ! -e '{go_on}' ]; do sleep 0.1; done; echo last >>'{said}') "
        f">/dev/null 2>&1 & echo first >'{said}'; tail -n +1 -f '{said}'"
    )
    async with relay(server.port) as cable:
        access = server.access(host="logical", endpoint=cable.endpoint)

        async def followed() -> None:
            async with open_host(access) as host:
                async for line in host.lines(work):
                    assert line == "first"
                    cable.cut()

        with pytest.raises(LinkLost) as caught:
            await followed()
        assert caught.value.exit_class == 7
        go_on.touch()
        await until(lambda: "last" in said.read_text())
        async with open_host(access) as again:
            seen = [line async for line in again.lines(f"cat '{said}'")]
    assert seen == ["first", "last"]


Use = Callable[[Host, Sshd], Awaitable[object]]


async def follow(host: Host, server: Sshd) -> list[str]:
    return [line async for line in host.lines(f"echo first; {server.until_left}")]


async def wait(host: Host, server: Sshd) -> object:
    return await host.run(server.until_left, timeout_s=PATIENT_S)


async def upload(host: Host, server: Sshd) -> None:
    await host.upload(str(server.folder / "up" / "x"), b"x" * 50_000_000)


USES: dict[str, Use] = {
    "H13 a link cut in a command": wait,
    "H13 a link cut while following": follow,
    "H13 a link cut in an upload": upload,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_every_use_of_a_cut_link_says_so(server: Sshd, use: Use):
    async with relay(server.port) as cable:
        access = server.access(host="logical", endpoint=cable.endpoint)
        async with open_host(access) as host:
            using = asyncio.ensure_future(use(host, server))
            await until(lambda: "Starting session" in server.log)
            cable.cut()
            with pytest.raises(LinkLost):
                await using
            with pytest.raises(LinkLost):
                await host.run("echo late", timeout_s=PATIENT_S)
    # What an upload leaves behind it clears away itself, once it sees the end.
    await until(lambda: not list(server.folder.glob("up/*")))


@pytest.mark.parametrize("use", [wait, follow])
async def test_h14_a_link_that_swallows_everything_is_noticed(server: Sshd, use: Use):
    limits = SshDeadlines(keepalive_s=0.5, keepalive_count=3)
    async with relay(server.port) as cable:
        access = server.access(host="logical", endpoint=cable.endpoint)
        async with open_host(access, deadlines=limits) as host:
            using = asyncio.ensure_future(use(host, server))
            await until(lambda: "Starting session" in server.log)
            cable.swallow()
            with pytest.raises(LinkLost) as caught:
                await using
    assert "keepalive" in caught.value.cause


async def test_h14_a_swallowing_link_can_be_left_at_any_time(server: Sshd):
    async with relay(server.port) as cable, asyncio.timeout(PATIENT_S):
        access = server.access(host="logical", endpoint=cable.endpoint)
        async with open_host(access, deadlines=SshDeadlines(keepalive_s=3600)) as host:
            cable.swallow()
            with pytest.raises(SshTimeout):
                await host.run("echo never", stdin=b"x" * 1_000_000, timeout_s=0.2)


def test_h14_the_promise_is_five_seconds_three_times():
    limits = SshDeadlines()
    assert (limits.phase_s, limits.keepalive_s, limits.keepalive_count) == (15, 5, 3)


async def test_a_closed_jump_is_told_from_a_closed_server(tmp_path: Path):
    with sshd(tmp_path / "jump") as jump, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        access = jump.access()
        there = replace(access.address, port=taken.getsockname()[1])
        seen = await refused(replace(access, address=there, jump=access.address))
    assert type(seen) is SshUnreachable
    assert "jump" in seen.cause
