"""What a script can do to a request."""

import asyncio
from collections.abc import Callable, Mapping

from tests.faults.proxy import Action, Call
from tests.faults.wire import PIECE, Head, response

JSON = "application/json; charset=utf-8"
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"
# What frames a body is written anew when the body changes.
_FRAMING = ("content-length", "transfer-encoding")


def answer(
    status: int, body: bytes | str = b"", *, headers: Mapping[str, str] | None = None
) -> Action:
    """Answer instead of the registry, which never sees the request."""
    raw = body.encode() if isinstance(body, str) else body

    async def act(call: Call) -> None:
        async for _ in call.pieces():
            pass
        call.seen.status = status
        whole = response(status, {"Content-Type": JSON, **(headers or {})}, raw)
        await call.reply(whole if call.head.method != "HEAD" else whole[: len(whole) - len(raw)])

    return act


def html() -> Action:
    """Answer as a captive portal does."""
    return answer(200, HTML, headers={"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str, status: int = 307) -> Action:
    """Send the client elsewhere."""
    return answer(status, headers={"Location": location})


def altered(change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]) -> Action:
    """Let the registry answer, and change its headers (by lower-case names) and body."""

    async def act(call: Call) -> None:
        head, body = await call.ask()
        kept = {name: text for name, text in head.headers.items() if name not in _FRAMING}
        if call.head.method == "HEAD":
            kept |= {n: t for n, t in head.headers.items() if n == "content-length"}
        headers, changed = change(kept, body)
        call.seen.status = head.status
        await call.reply(response(head.status, headers, changed))

    return act


def with_header(name: str, text: str) -> Action:
    """Change one header of the answer; "" removes it."""

    def change(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        rest = {key: old for key, old in headers.items() if key != name.lower()}
        return (rest | {name: text} if text else rest), body

    return altered(change)


def with_body(body: bytes) -> Action:
    """Change the answer's body, and nothing else."""
    return altered(lambda headers, _: (headers, body))


def delayed(seconds: float) -> Action:
    """Pass on after a while."""

    async def act(call: Call) -> None:
        await asyncio.sleep(seconds)
        await call.pass_on()

    return act


def slow(pause_s: float, size: int) -> Action:
    """Let the answer drip: `size` bytes, a pause, and so on."""

    async def act(call: Call) -> None:
        raw = _whole(*await call.ask())
        for at in range(0, len(raw), size):
            await call.reply(raw[at : at + size])
            await asyncio.sleep(pause_s)

    return act


def stall(at: int = 0) -> Action:
    """Send `at` bytes of the answer, then nothing more, keeping the connection."""

    async def act(call: Call) -> None:
        await call.reply(_whole(*await call.ask())[:at])
        await call.hold()

    return act


def silent() -> Action:
    """Take the connection and the request, and never answer; the registry sees nothing."""

    async def act(call: Call) -> None:
        async for _ in call.pieces():
            pass
        await call.hold()

    return act


def reset_request(at: int) -> Action:
    """Break both connections off after `at` bytes of the request."""

    async def act(call: Call) -> None:
        upstream, left = await call.dial(), at
        async for piece in call.pieces():
            await upstream.send(piece[:left])
            left -= len(piece[:left])
            if not left:
                break
        upstream.reset()
        call.reset()

    return act


def reset_response(at: int = 0) -> Action:
    """Break off after `at` bytes of the answer; the registry has carried the request out.

    With 0 the answer is lost altogether.
    """

    async def act(call: Call) -> None:
        await call.reply(_whole(*await call.ask())[:at])
        call.reset()

    return act


def and_then(do: Callable[[], None]) -> Action:
    """Have the request carried out, do something else, and only then give the answer."""

    async def act(call: Call) -> None:
        head, body = await call.ask()
        await asyncio.to_thread(do)
        call.seen.status = head.status
        await call.reply(_whole(head, body))

    return act


def truncated(missing: int) -> Action:
    """End the answer in order, `missing` bytes before its end."""

    async def act(call: Call) -> None:
        raw = _whole(*await call.ask())
        await call.reply(raw[: len(raw) - missing])
        call.keeps = False

    return act


def endless(media_type: str) -> Action:
    """Answer 200 with a body that never ends."""

    async def act(call: Call) -> None:
        async for _ in call.pieces():
            pass
        call.seen.status, call.keeps = 200, False
        await call.reply(f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n\r\n{{".encode())
        while True:
            await call.reply(b" " * PIECE)

    return act


def _whole(head: Head, body: bytes) -> bytes:
    kept = {name: text for name, text in head.headers.items() if name not in _FRAMING}
    return response(head.status, kept, body)
