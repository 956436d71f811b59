"""HTTP/1.1 messages read as bytes and kept as they came, so that a proxy can stay transparent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

PIECE = 65536


class NotHttp(Exception):
    """A client that begins with something else, as one does that tries TLS first."""

    def __init__(self, first: bytes) -> None:
        super().__init__(first)
        self.first = first


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers of a request or a response."""

    raw: bytes

    @property
    def words(self) -> list[str]:
        """The first line's parts: method, target, version; or version, status, reason."""
        return self.raw.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)

    @property
    def method(self) -> str:
        """A request's method."""
        return self.words[0]

    @property
    def target(self) -> str:
        """A request's path and query."""
        return self.words[1]

    @property
    def status(self) -> int:
        """A response's status."""
        return int(self.words[1])

    @property
    def headers(self) -> dict[str, str]:
        """Every header by its lower-case name."""
        lines = self.raw.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.strip().lower(): text.strip() for name, _, text in pairs}

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this message."""
        return self.headers.get("connection", "").lower() == "close"


def response(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a whole response; headers that are given stand as they are."""
    framed = "content-length" in {name.lower() for name in headers}
    all_of_them = dict(headers) if framed else {"Content-Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} {_reason(status)}", *(f"{n}: {t}" for n, t in all_of_them.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read up to the empty line; None where the peer has ended.

    Raises:
        NotHttp: what comes is something else.
    """
    first = await reader.read(1)
    if not first:
        return None
    if not first.isalpha():
        raise NotHttp(first)
    return Head(first + await reader.readuntil(b"\r\n\r\n"))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send on whatever comes."""
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()


async def request_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """A request's body in pieces, framing included."""
    if head.is_chunked:
        async for piece in _chunks(reader):
            yield piece
    else:
        async for piece in _counted(reader, int(head.headers.get("content-length", 0))):
            yield piece


async def response_body(
    reader: asyncio.StreamReader, head: Head, method: str
) -> AsyncIterator[bytes]:
    """A response's body in pieces, framing included."""
    if method == "HEAD" or head.status in (204, 304) or head.status < 200:
        return
    if head.is_chunked or "content-length" in head.headers:
        async for piece in request_body(reader, head):
            yield piece
    else:
        while piece := await reader.read(PIECE):
            yield piece


def payload(head: Head, body: bytes) -> bytes:
    """The content of a body that was read with its framing."""
    if not head.is_chunked:
        return body
    content, rest = b"", body
    while True:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size.partition(b";")[0], 16)
        if count == 0:
            return content
        content, rest = content + rest[:count], rest[count + 2 :]


async def _counted(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    while count:
        piece = await reader.read(min(count, PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", count)
        count -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        count = int(line.partition(b";")[0], 16)
        async for piece in _counted(reader, count):
            yield piece
        yield await reader.readuntil(b"\r\n")
        if count == 0:
            return
