"""Sessions of the embedded engine, each with a store of its own where a test looks into it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ci.embedded.server import session
from tests.embedded.observer import Docker, OpenSession, StartClient


@pytest.fixture
def docker(docker_host: str) -> Iterator[Docker]:
    observer = Docker(docker_host)
    with observer.http:
        yield observer


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An empty store."""
    return tmp_path / "state"


@pytest.fixture
def open_session(docker_host: str, mirror: str, state: Path) -> OpenSession:
    """Opens a session on the empty store; more variables may be given."""

    @contextmanager
    def opened(**variables: str) -> Iterator[object]:
        with session({**os.environ, "CI_EMBEDDED_STATE": str(state), **variables}) as at:
            yield at

    return opened


@pytest.fixture
def start_client(docker: Docker, mirror: str, state: Path) -> Iterator[StartClient]:
    """Runs client code in a process of its own, inside a session there; killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "CI_EMBEDDED_STATE": str(state)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    # No session will come to this store again and clear it.
    docker.remove_containers(state)
