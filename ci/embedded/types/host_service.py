"""Service that something on the host already offers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ci.embedded.store import key_of
from ci.embedded.types.records import Port
from ci.embedded.types.service import Service


@dataclass(frozen=True, eq=False, kw_only=True)
class HostService(Service):
    """A port that something on the host listens on."""

    host: str
    forwards: Sequence[tuple[int, int]]  # (frontend, backend)

    async def key(self) -> str:
        return key_of("host service", self.host, [list(forward) for forward in self.forwards])

    async def hostname(self) -> str:
        return self.host

    def ports(self) -> list[Port]:
        return [Port(self.session, frontend) for frontend, _ in self.forwards]

    async def endpoint(self, port: int | None = None, scheme: str = "") -> str:
        # The caller is a process of the host itself: it dials what there is.
        backend = next((b for f, b in self.forwards if port in (None, f)), port)
        where = f"{self.host}:{backend}"
        return f"{scheme}://{where}" if scheme else where

    async def address(self) -> str:
        return await self.endpoint()

    async def start(self) -> str:
        return self.id()

    async def stop(self, kill: bool = False) -> str:
        return self.id()

    async def start_for_containers(self) -> str:
        return await self.session.once(f"host service:{await self.key()}", self._forward)

    async def _forward(self) -> str:
        docker = await self.session.docker()
        if sys.platform != "linux":
            return "host-gateway"
        network = await docker.json("GET", "/networks/bridge")
        gateway = str(network["IPAM"]["Config"][0]["Gateway"])
        for frontend, backend in self.forwards:
            server = await _forwarder(gateway, frontend, self.host, backend)
            self.session.on_close(_closer(server))
        return gateway


def _closer(server: asyncio.Server) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        server.close()

    return close


async def _forwarder(address: str, frontend: int, host: str, backend: int) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(host, backend)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    return await asyncio.start_server(connected, address, frontend)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
