"""A small HTTP/1.1 server on loopback, for the client's queries and for Docker's pushes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h11

READ_BYTES = 1 << 18


@dataclass(frozen=True)
class Request:
    """One request; the body is read while it arrives."""

    method: str
    target: str
    headers: dict[str, str]
    body: AsyncIterator[bytes]


@dataclass(frozen=True)
class Response:
    """An answer; a body of None is for HEAD, where `headers` hold the length."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Response]]


async def listen(handler: Handler) -> asyncio.Server:
    """Serve on a free port of the loopback address."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(h11.Connection(h11.SERVER), handler, reader, writer)
        except (ConnectionError, h11.RemoteProtocolError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    """The port that `listen` found."""
    return int(server.sockets[0].getsockname()[1])


async def _serve(
    connection: h11.Connection,
    handler: Handler,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    while True:
        event = await _next(connection, reader, writer)
        if not isinstance(event, h11.Request):
            return
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in event.headers}
        body = _body(connection, reader, writer)
        request = Request(event.method.decode(), event.target.decode(), headers, body)
        response = await handler(request)
        async for _ in body:  # what the handler left unread
            pass
        await _send(connection, writer, response)
        if connection.our_state is h11.MUST_CLOSE:
            return
        connection.start_next_cycle()


async def _next(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> h11.Event | type[h11.PAUSED]:
    while (event := connection.next_event()) is h11.NEED_DATA:
        if connection.they_are_waiting_for_100_continue:
            writer.write(
                connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
            )
        connection.receive_data(await reader.read(READ_BYTES))
    return event  # type: ignore[return-value]


async def _body(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[bytes]:
    while isinstance(event := await _next(connection, reader, writer), h11.Data):
        yield bytes(event.data)


async def _send(
    connection: h11.Connection, writer: asyncio.StreamWriter, response: Response
) -> None:
    headers = {"content-length": str(len(response.body)), **response.headers}
    head = h11.Response(status_code=response.status, headers=list(headers.items()))
    parts = [connection.send(head)]
    if response.body:
        parts.append(connection.send(h11.Data(data=response.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    writer.write(b"".join(part for part in parts if part))
    await writer.drain()
