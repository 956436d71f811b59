"""The ways to the registry and to the server, with a count of who came along them.

On Dagger the module runs in a container: of this machine it reaches what --via and --link name, and
nothing else. A token server beside the registry would be out of reach, so the way brings it under
its own address, by which images are named: Dagger dials a registry at the port of its name.
"""

import asyncio
import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.faults.actions import altered
from tests.faults.proxy import ALWAYS, Action, Call, FaultProxy, Line
from tests.faults.relay import Relay, relay
from tests.faults.wire import read_head, response_body
from tests.server import machine
from tests.server.driver import wait_until

Headers = dict[str, str]


@contextlib.contextmanager
def way_to_registry(target: str) -> Iterator[FaultProxy]:
    """Stands on loopback for `target`, a registry with a token server on this machine."""
    challenge = httpx.get(f"http://{target}/v2/", trust_env=False).headers["WWW-Authenticate"]
    realm = re.search(r'realm="([^"]+)"', challenge)
    assert realm is not None

    def moved(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        here = f"http://{proxy.address}/token"
        return {name: text.replace(realm[1], here) for name, text in headers.items()}, body

    tokens = httpx.URL(realm[1])
    with FaultProxy(target) as proxy:
        first = {"only": lambda head: "authorization" not in head.headers}
        proxy.on(".*", "^/v2/", altered(moved), times=ALWAYS, **first)
        proxy.always("GET", r"^/token\?", sent_to(tokens.host, tokens.port or 80))
        yield proxy


def sent_to(host: str, port: int) -> Action:
    """Have another server answer."""

    async def act(call: Call) -> None:
        there = Line(*await asyncio.open_connection(host, port))
        try:
            async for piece in call.pieces():
                await there.send(piece)
            head = await read_head(there.reader)
            assert head is not None
            await call.reply(head.raw)
            async for piece in response_body(there.reader, head, call.head.method):
                await call.reply(piece)
        finally:
            there.writer.close()
        # Closed unannounced, Dagger's tunnel would let the next request on it wait for ever.
        call.keeps = not head.closes

    return act


@contextlib.contextmanager
def known_to_server(port: int, folder: Path) -> Iterator[None]:
    """This machine's loopback `port` is the rehearsal server's too, so that it pulls from there."""
    listening = folder / "listening"
    command = (sys.executable, "-m", "rehearsal.server_link", str(machine.pid()), str(listening))
    with subprocess.Popen([*command, str(port)], cwd=machine.CHECKOUT) as link:
        try:
            wait_until(listening.exists)
            yield
        finally:
            link.terminate()


@contextlib.contextmanager
def way_to_server(host: str, port: int) -> Iterator[Relay]:
    """Listens on loopback for a server elsewhere, on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    cable = relay(port, host)
    try:
        yield asyncio.run_coroutine_threadsafe(cable.__aenter__(), loop).result(timeout=30)
    finally:
        asyncio.run_coroutine_threadsafe(cable.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
