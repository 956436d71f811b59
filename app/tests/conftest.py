"""A running service and the servers that stand at the other end of its database URL."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

APP = Path(__file__).parent.parent
START_LIMIT_S = 20
PASSWORD = "hunter2"


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


def free_port() -> int:
    """Return a port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def database_url(port: int) -> str:
    """Return the URL of a database at `port`, with a password that must not be shown."""
    return f"postgresql://observer:{PASSWORD}@127.0.0.1:{port}/observer"


def service_environment(**variables: str) -> dict[str, str]:
    """Return an environment with `variables` and nothing that configures us or PostgreSQL."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    packages = os.environ.get("PYTHONPATH")
    path = f"{APP}:{packages}" if packages else str(APP)
    return kept | {"PYTHONPATH": path} | variables


class Starter:
    """Starts services by `python -m observer`, as the image does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.services: list[Service] = []

    def __call__(self, **variables: str) -> Service:
        """Start one with these variables and wait until it listens."""
        port = free_port()
        log = self._folder / f"service-{len(self.services)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "observer"],
                env=service_environment(PORT=str(port), **variables),
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(process, port, log)
        self.services.append(service)
        _wait_until_it_listens(service)
        return service

    def stop(self) -> None:
        """End all that were started."""
        for service in self.services:
            service.process.kill()
            service.process.wait()


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    starter = Starter(tmp_path_factory.mktemp("services"))
    try:
        yield starter
    finally:
        starter.stop()


@pytest.fixture(scope="session")
def plain(start: Starter) -> Service:
    """A service without a database."""
    return start()


@pytest.fixture(scope="session")
def bereft(start: Starter) -> Service:
    """A service whose database is down."""
    return start(DATABASE_URL=database_url(free_port()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the services logged where a test fails."""
    report = yield
    starter = item.funcargs.get("start")
    if isinstance(starter, Starter):
        for service in starter.services:
            report.sections.append((service.log.name, service.log.read_text()))
    return report


def _wait_until_it_listens(service: Service) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while not service.listens():
        ended = service.process.poll()
        assert ended is None, f"ended with {ended}: {service.log.read_text()}"
        assert time.monotonic() < limit, service.log.read_text()
        time.sleep(0.05)
