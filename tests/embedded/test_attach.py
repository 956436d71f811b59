"""The raw connection of an attached container: closed however the run ends."""

import asyncio
from pathlib import Path

import pytest

from ci.embedded.attach import run_attached
from ci.embedded.docker import Docker


async def test_an_attach_that_is_given_up_leaves_no_connection_open(tmp_path: Path) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        ended.set()
        writer.close()

    path = tmp_path / "docker.sock"
    async with await asyncio.start_unix_server(silent, path):
        docker = Docker(f"unix://{path}")
        run = asyncio.ensure_future(run_attached(docker, "any", None, lambda *_: None))
        await asyncio.wait_for(asked.wait(), 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await asyncio.wait_for(ended.wait(), 10)
        await docker.close()
