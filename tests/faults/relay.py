"""A cable of the tests' own between a client and a server: it can be cut, or swallow everything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

PIECE = 65536


@dataclass
class Relay:
    """Carries connections to port `target` of `host`, until told otherwise.

    `accepted` were connected; `visits` are those of them whose client said something.
    """

    target: int
    host: str = "127.0.0.1"
    port: int = 0
    is_silent: bool = False
    accepted: int = 0
    visits: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        """Where it is dialled."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection at once, on both sides, without a goodbye."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def swallow(self) -> None:
        """Carry nothing any more, and close nothing: a black hole."""
        self.is_silent = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.accepted += 1
        there_reader, there_writer = await asyncio.open_connection(self.host, self.target)
        self._writers += [writer, there_writer]
        for one, other in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._copy(one, other, is_client=one is reader))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool
    ) -> None:
        with contextlib.suppress(OSError):
            is_first = is_client
            while piece := await reader.read(PIECE):
                self.visits += is_first
                is_first = False
                if not self.is_silent:
                    writer.write(piece)
                    await writer.drain()
        if not self.is_silent:
            writer.close()

    async def stop(self) -> None:
        """End everything."""
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def relay(target: int, host: str = "127.0.0.1") -> AsyncIterator[Relay]:
    """Serve until left."""
    running = Relay(target, host)
    server = await asyncio.start_server(running.carry, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        await running.stop()
        await server.wait_closed()
