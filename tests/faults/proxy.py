"""A real HTTP/1.1 proxy in front of a registry: transparent, except where a script says otherwise.

It runs on a thread of its own, so that clients in this process and programs such as docker alike
can be sent through it.
"""

import asyncio
import contextlib
import queue
import re
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

from tests.faults.wire import Head, NotHttp, payload, pump, read_head, request_body, response_body

# With this, closing a socket sends RST.
_NO_LINGER = struct.pack("ii", 1, 0)
_LOST = (OSError, EOFError)
ALWAYS = float("inf")


@dataclass
class Exchange:
    """One request as the proxy saw it; `status` is 0 where nothing was answered."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0


@dataclass(frozen=True)
class Line:
    """A connection to one side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, raw: bytes) -> None:
        """Send, up to the kernel."""
        self.writer.write(raw)
        await self.writer.drain()

    def reset(self) -> None:
        """End with RST."""
        if self.writer.transport.is_closing():
            return
        own: socket.socket = self.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.writer.transport.abort()

    async def end(self) -> None:
        """Wait until it is closed."""
        with contextlib.suppress(*_LOST):
            await self.writer.wait_closed()


@dataclass
class Call:
    """One request under way, and everything that can be done with it."""

    head: Head
    client: Line
    dial: Callable[[], Awaitable[Line]]
    seen: Exchange
    keeps: bool = True

    async def pass_on(self) -> None:
        """Forward both ways, changing nothing."""
        upstream = await self.dial()
        sending = asyncio.ensure_future(self._forward(upstream))
        try:
            head = await self._final_head(upstream)
            await self.reply(head.raw)
            async for piece in response_body(upstream.reader, head, self.head.method):
                await self.reply(piece)
        finally:
            # An answer before the end of the request leaves both connections in the middle of it.
            await asyncio.wait({sending}, timeout=0.5)
            self.keeps = sending.done() and not sending.exception()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        self.seen.status = head.status
        self.keeps = self.keeps and not head.closes and not self.head.closes

    async def ask(self) -> tuple[Head, bytes]:
        """Have the request carried out; returns the answer, which the client has not got."""
        upstream = await self.dial()
        await self._forward(upstream)
        head = await self._final_head(upstream)
        raw = b"".join([p async for p in response_body(upstream.reader, head, self.head.method)])
        return head, payload(head, raw)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Take the request, head first."""
        self.seen.request_bytes += len(self.head.raw)
        yield self.head.raw
        async for piece in request_body(self.client.reader, self.head):
            self.seen.request_bytes += len(piece)
            yield piece

    async def reply(self, raw: bytes) -> None:
        """Send a part of the answer."""
        self.seen.response_bytes += len(raw)
        await self.client.send(raw)

    def reset(self) -> None:
        """Break the client's connection off."""
        self.keeps = False
        self.client.reset()

    async def hold(self) -> None:
        """Say nothing until the client goes away."""
        self.keeps = False
        while await self.client.reader.read(1):
            pass

    async def _forward(self, upstream: Line) -> None:
        try:
            async for piece in self.pieces():
                await upstream.send(piece)
        except EOFError:
            # The client went away in the middle of its request: nobody waits for the answer.
            upstream.reset()
            raise

    async def _final_head(self, upstream: Line) -> Head:
        while True:
            head = await read_head(upstream.reader)
            if head is None:
                raise ConnectionResetError("the registry closed the connection")
            if head.status >= 200:
                return head
            await self.reply(head.raw)  # 100 Continue


Action = Callable[[Call], Awaitable[None]]


@dataclass
class Step:
    """One line of the script: which calls of which requests, and what happens to them."""

    method: re.Pattern[str]
    target: re.Pattern[str]
    action: Action
    first: int
    last: float
    only: Callable[[Head], bool]
    calls: int = 0

    def takes(self, head: Head) -> bool:
        """Count the request if it is meant, and say whether this call of it is."""
        meant = self.method.fullmatch(head.method) and self.target.search(head.target)
        if not meant or not self.only(head):
            return False
        self.calls += 1
        return self.first <= self.calls <= self.last


class FaultProxy:
    """Listens on loopback while entered; `upstream` is the registry's ``host:port``."""

    def __init__(self, upstream: str) -> None:
        self._host, _, self._port = upstream.partition(":")
        self._steps: list[Step] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.log: list[Exchange] = []
        self.port = 0

    @property
    def address(self) -> str:
        """``host:port`` for clients."""
        return f"localhost:{self.port}"

    def on(
        self,
        method: str,
        target: str,
        action: Action,
        *,
        nth: int = 1,
        times: float = 1,
        only: Callable[[Head], bool] = lambda _: True,
    ) -> Self:
        """Script what happens to `times` matching requests, from the `nth` on.

        Args:
            method: a regular expression for the whole method.
            target: one that is searched in path and query.
            only: which of these are meant; the others are not counted.
        """
        pattern = re.compile(method), re.compile(target)
        self._steps.append(Step(*pattern, action, nth, nth + times - 1, only))
        return self

    def always(self, method: str, target: str, action: Action) -> Self:
        """Script what happens to every one."""
        return self.on(method, target, action, times=ALWAYS)

    @property
    def unused(self) -> list[str]:
        """The steps that no request has come to, so that no test passes without its fault."""
        return [each.target.pattern for each in self._steps if each.calls < each.first]

    def clear(self) -> None:
        """Forget the script and what was seen."""
        self._steps.clear()
        self.log.clear()

    def seen(self, method: str, target: str = "") -> list[Exchange]:
        """The requests so far that match."""
        return [
            each
            for each in self.log
            if re.fullmatch(method, each.method) and re.search(target, each.target)
        ]

    def __enter__(self) -> Self:
        started: queue.Queue[int] = queue.Queue()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(started)))
        self._thread.start()
        self.port = started.get(timeout=10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()

    async def _main(self, started: "queue.Queue[int]") -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        started.put(server.sockets[0].getsockname()[1])
        await self._stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(Line(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before it begins closes nothing itself.
        task.add_done_callback(lambda _: writer.close())

    async def _serve(self, client: Line) -> None:
        """Serve one client's connection with one connection to the registry."""
        upstreams: list[Line] = []

        async def dial() -> Line:
            if not upstreams:
                upstreams.append(Line(*await asyncio.open_connection(self._host, self._port)))
            return upstreams[0]

        client.writer.transport.set_write_buffer_limits(0)
        try:
            while head := await read_head(client.reader):
                seen = Exchange(head.method, head.target, head.headers)
                self.log.append(seen)
                call = Call(head, client, dial, seen)
                await self._action_for(head)(call)
                if not call.keeps:
                    break
        except NotHttp as error:
            await self._tunnel(client, await dial(), error.first)
        except _LOST:
            # Either side broke off; so does the other.
            client.reset()
        finally:
            # All at once: whoever waits for the first may be cancelled before the second.
            for line in (client, *upstreams):
                line.writer.close()
            for line in (client, *upstreams):
                await line.end()

    async def _tunnel(self, client: Line, upstream: Line, first: bytes) -> None:
        """Let the registry itself say what it thinks of something that is not HTTP."""
        upstream.writer.write(first)
        sending = asyncio.ensure_future(pump(client.reader, upstream.writer))
        try:
            with contextlib.suppress(*_LOST):
                await pump(upstream.reader, client.writer)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _action_for(self, head: Head) -> Action:
        taken = [step for step in self._steps if step.takes(head)]
        return taken[0].action if taken else Call.pass_on
