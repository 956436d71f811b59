"""A running service and the servers that stand at the other end of its database URL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent
START_LIMIT_S = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer and how long it took."""

    status: int
    body: dict[str, str]
    headers: dict[str, str]
    took_s: float


@dataclass(frozen=True, slots=True)
class Service:
    """The service as its users meet it: a process and a port."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> Answer:
        """Ask once, over a connection of its own."""
        started = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            headers = {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()
        return Answer(answer.status, body, headers, time.monotonic() - started)

    def listens(self) -> bool:
        """Return whether something accepts connections on the port."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


Start = Callable[..., Service]


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def service_environment(**variables: str) -> dict[str, str]:
    """Return an environment with `variables` and nothing that configures us or PostgreSQL."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    packages = os.environ.get("PYTHONPATH")
    path = f"{APP}:{packages}" if packages else str(APP)
    return kept | {"PYTHONPATH": path} | variables


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start services by `python -m observer`, as the image does; stop them afterwards."""
    running: list[Service] = []

    def run(**variables: str) -> Service:
        port = free_port()
        log = tmp_path / f"service-{len(running)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "observer"],
                env=service_environment(PORT=str(port), **variables),
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(process, port, log)
        running.append(service)
        _wait_until_it_listens(service)
        return service

    try:
        yield run
    finally:
        for service in running:
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
            print(service.log.read_text())  # pytest shows it where the test failed


def _wait_until_it_listens(service: Service) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while not service.listens():
        ended = service.process.poll()
        assert ended is None, f"ended with {ended}: {service.log.read_text()}"
        assert time.monotonic() < limit, service.log.read_text()
        time.sleep(0.05)
