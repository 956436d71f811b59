"""Lets the rehearsal server reach this machine's registries under the names they have here.

A reference names its registry, `localhost:5000/acme/observer`: that name has to work on both
sides. So each port is listened on inside the server's network, on its loopback, and every
connection is carried to the same port of this machine's.
"""

import asyncio
import ctypes
import functools
import os
import socket
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
CHUNK_BYTES = 1 << 16


def listen_inside(pid: int, ports: list[int]) -> list[socket.socket]:
    """Sockets that listen in the network of process `pid`; ours stays where it was."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open() as ours, Path(f"/proc/{pid}/ns/net").open() as theirs:
        _enter(libc, theirs.fileno())
        try:
            return [socket.create_server(("127.0.0.1", port)) for port in ports]
        finally:
            _enter(libc, ours.fileno())


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def carry(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one connection to this machine's port and back."""
    try:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(pid: int, listening: Path, ports: list[int]) -> None:
    """Serve until stopped; the file `listening` says that it does."""
    for inside, port in zip(listen_inside(pid, ports), ports, strict=True):
        await asyncio.start_server(functools.partial(carry, port), sock=inside)
    await asyncio.to_thread(listening.touch)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
