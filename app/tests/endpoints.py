"""Servers that are reachable and are no use as a database."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class Behaviour(Protocol):
    """What a server does with one connection, until `over` is set."""

    def __call__(self, peer: socket.socket, over: threading.Event) -> None: ...


def be_silent(peer: socket.socket, over: threading.Event) -> None:
    """Accept and never answer, as a stopped server does."""
    over.wait()


def drip(peer: socket.socket, over: threading.Event) -> None:
    """Begin a long message and send it byte by byte.

    Each byte is in time; only a limit over the whole check ends this.
    """
    _refuse_tls(peer)
    peer.sendall(b"S\x00\x00\xff\xff")
    while not over.wait(0.1):
        peer.sendall(b"x")


def hang_up(peer: socket.socket, over: threading.Event) -> None:
    """Close at once, as a proxy without a server behind it does."""


def speak_http(peer: socket.socket, over: threading.Event) -> None:
    """Answer in another protocol."""
    peer.recv(64)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    over.wait(0.2)


def answer_nonsense(peer: socket.socket, over: threading.Event) -> None:
    """Answer the login with a message that PostgreSQL does not have."""
    _refuse_tls(peer)
    # Not NUL as the message's type: asyncpg 0.32 spins on it. What is left then is the probe's own
    # timeout, which makes the container unhealthy.
    peer.sendall(b"?\x00\x00\x00\x04")
    over.wait(0.2)


def _refuse_tls(peer: socket.socket) -> None:
    peer.recv(64)  # the client asks for TLS first
    peer.sendall(b"N")
    peer.recv(1024)  # its login


@contextmanager
def endpoint(behaviour: Behaviour) -> Iterator["Endpoint"]:
    """Serve `behaviour` on a free port of the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Endpoint(listener, behaviour)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class Endpoint(threading.Thread):
    """A server that counts its connections; its behaviour may be changed between them."""

    def __init__(self, listener: socket.socket, behaviour: Behaviour) -> None:
        super().__init__(daemon=True)
        self._listener = listener
        self.behaviour = behaviour
        self._over = threading.Event()
        self._peers: list[threading.Thread] = []
        self.port: int = listener.getsockname()[1]

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return len(self._peers)

    def run(self) -> None:
        """Give every connection a thread of its own until stopped."""
        while True:
            peer, _ = self._listener.accept()
            if self._over.is_set():
                peer.close()
                return
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._peers.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the accepting thread and all connections."""
        self._over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes accept()
        self.join()
        for thread in self._peers:
            thread.join()

    def _serve(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):  # the client may leave first
            self.behaviour(peer, self._over)
