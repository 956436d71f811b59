"""Running a container with its streams attached: Docker's raw connection, and its frames."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from ci.embedded.docker import Docker, DockerError

_HEAD = "Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"


async def run_attached(
    docker: Docker, container: str, stdin: bytes | None, sink: Callable[[int, bytes], None]
) -> int:
    """Start a created container, hand output to `sink(stream, data)`; returns its exit code."""
    query = "stream=1&stdout=1&stderr=1" + ("&stdin=1" if stdin is not None else "")
    target = f"/{docker.version}/containers/{container}/attach?{query}"
    async with _hijack(docker, target) as (reader, writer):
        await docker.request("POST", f"/containers/{container}/start")
        pump = asyncio.ensure_future(_pump(reader, sink))
        feed = asyncio.ensure_future(_feed(writer, stdin))
        code = (await docker.json("POST", f"/containers/{container}/wait"))["StatusCode"]
        # A process that was left behind may hold the streams open.
        await asyncio.wait({pump}, timeout=10)
        pump.cancel()
        feed.cancel()
        return int(code)


@asynccontextmanager
async def _hijack(
    docker: Docker, target: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await docker.dial()
    try:
        writer.write(f"POST {target} HTTP/1.1\r\n{_HEAD}".encode())
        status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
        if status not in (b"101", b"200"):
            raise DockerError(int(status), "the Docker engine refused to attach")
        yield reader, writer
    finally:
        # Not closed politely: what the process did not read would be waited for.
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, sink: Callable[[int, bytes], None]) -> None:
    """Read Docker's frames: stream (1 stdout, 2 stderr), length, data."""
    try:
        while True:
            stream, length = struct.unpack(">BxxxI", await reader.readexactly(8))
            sink(stream, await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return


async def _feed(writer: asyncio.StreamWriter, stdin: bytes | None) -> None:
    if stdin is not None:
        writer.write(stdin)
        await writer.drain()
        writer.write_eof()
