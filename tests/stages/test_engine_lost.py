"""The engine cannot be reached, or goes away under a build: rows B9 and B10."""

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path

import dagger
import pytest
from dagger import dag

from ci.embedded.docker import CONNECT_S
from ci.engine import on_engine
from ci.errors import EngineFailed, EngineUnavailable

pytestmark = [pytest.mark.engine, pytest.mark.registry]
# As daggerw starts it, and isolated from the session that other tests share.
COMMAND = [sys.executable, "-m", "ci.embedded", "call"]
CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 15  # B10


class Cable:
    """A socket in front of Docker's, cut when a request says so."""

    def __init__(self, docker: str, path: Path, cut_at: bytes) -> None:
        self.docker, self.path, self.cut_at = docker.removeprefix("unix://"), path, cut_at
        self.writers: list[asyncio.StreamWriter] = []
        self.is_cut = False

    @contextlib.asynccontextmanager
    async def plugged(self):
        server = await asyncio.start_unix_server(self.carry, self.path)
        async with server:
            yield f"unix://{self.path}"
            self.cut()

    async def carry(self, reader, writer) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        theirs, ours = await asyncio.open_unix_connection(self.docker)
        self.writers += [writer, ours]
        await asyncio.gather(
            self.pump(reader, ours), self.pump(theirs, writer), return_exceptions=True
        )

    async def pump(self, reader, writer) -> None:
        while raw := await reader.read(65536):
            if self.cut_at in raw:
                self.cut()
            writer.write(raw)
            await writer.drain()
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self.writers:
            writer.transport.abort()


async def call(project, docker_host, state, *words, **more):
    """Run the command line; returns exit code and what it said."""
    environ = {
        **{name: text for name, text in os.environ.items() if not name.startswith("DAGGER_")},
        "DOCKER_HOST": docker_host,
        "CI_EMBEDDED_STATE": str(state),
        "TOKEN_OF_TEST": project.remote.owner.password,
        **more,
    }
    address = project.remote.repository.registry
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("-m", str(CHECKOUT), f"--source={project.root}", f"--repo={project.root}"),
        *(f"--image={project.remote.repository}", f"--via=tcp://{address}"),
        *(f"--user={project.remote.owner.user}", "--token=env:TOKEN_OF_TEST"),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
        env=environ,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert out == b""
    return process.returncode, err.decode()


async def test_an_engine_that_cannot_be_reached_is_named_at_once(project, tmp_path):
    code, said = await call(project, f"unix://{tmp_path}/none.sock", tmp_path, "check")
    assert_engine_unavailable(code, said)
    assert f"wanted: Docker with API 1.40 or newer; at unix://{tmp_path}/none.sock" in said


async def test_an_engine_that_never_answers_is_named_in_time(project, tmp_path):
    async def hear(reader, writer) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(hear, tmp_path / "deaf.sock"):
        code, said = await call(project, f"unix://{tmp_path}/deaf.sock", tmp_path, "check")
    assert_engine_unavailable(code, said)
    assert f"no answer within {CONNECT_S:.0f} s" in said
    assert CONNECT_S < LIMIT_S


async def test_an_engine_of_another_version_is_named_with_what_is_wanted(project, tmp_path):
    async def answer(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"ApiVersion": "1.30"}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "old.sock"):
        code, said = await call(project, f"unix://{tmp_path}/old.sock", tmp_path, "check")
    assert_engine_unavailable(code, said)
    assert "wanted: Docker with API 1.40 or newer" in said
    assert "API 1.30" in said


def assert_engine_unavailable(code: int, said: str) -> None:
    assert code == 1
    assert "EngineUnavailable: the engine is gone" in said
    assert "now: LO, only the engine was used" in said
    assert "do: start Docker" in said


async def test_an_engine_lost_during_the_build_is_named_and_no_tag_moved(
    project, tmp_path, docker_host
):
    cable = Cable(docker_host, tmp_path / "cut.sock", b"/build?")
    tag = time.strftime("%Y%m%d-%H%M%S", time.gmtime(time.time() - 60))
    async with cable.plugged() as address:
        code, said = await call(project, address, tmp_path / "state", "publish", f"--tag={tag}")
    assert cable.is_cut
    assert code == 1
    assert "EngineUnavailable: the engine is gone" in said
    assert "now: S1, no release tag moved" in said
    assert project.remote.owner.password not in said
    async with project.remote.open() as registry:
        assert await registry.tags() == ()


@on_engine
async def ask() -> str:
    return await dag.version()


@on_engine
async def ask_in_vain() -> str:
    return await dag.directory().file("missing").contents()


async def test_a_session_that_dies_is_an_engine_that_is_gone(tmp_path, docker_host, monkeypatch):
    """As Dagger's client tells it: a real session, really killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ci.embedded", "session"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
        env={**os.environ, "CI_EMBEDDED_STATE": str(tmp_path)},
    )
    try:
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        monkeypatch.setenv("DAGGER_SESSION_PORT", str(said["port"]))
        monkeypatch.setenv("DAGGER_SESSION_TOKEN", said["session_token"])
        async with dagger.connection():
            assert await ask()
            with pytest.raises(EngineFailed, match="missing"):
                await ask_in_vain()
            process.kill()
            await process.wait()
            with pytest.raises(EngineUnavailable):
                await ask()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
