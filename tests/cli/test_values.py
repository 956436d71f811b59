"""Arguments that need something on the other side: services, sockets, lists of objects."""

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.cli.engines import Outcome


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine where something listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_service_is_a_port_of_this_machine(run: Callable[..., Outcome], port: int) -> None:
    outcome = run(f"call reach --service tcp://localhost:{port}")
    assert outcome.stdout == str(port), outcome.stderr


def test_a_service_can_come_from_the_env_file(run: Callable[..., Outcome], port: int) -> None:
    outcome = run("call reach", dotenv=f"REACH_SERVICE=tcp://localhost:{port}\n")
    assert outcome.stdout == str(port), outcome.stderr


def test_a_list_of_secrets(run: Callable[..., Outcome]) -> None:
    outcome = run("call lengths --secrets env:A,file:hello.txt --secrets 'env:A'", A="four")
    assert outcome.stdout == "4\n16\n4\n", outcome.stderr


def test_a_list_of_secrets_from_the_env_file(run: Callable[..., Outcome]) -> None:
    outcome = run("call lengths", dotenv="LENGTHS_SECRETS=env://A, file://hello.txt\n", A="four")
    assert outcome.stdout == "4\n16\n", outcome.stderr


@pytest.mark.parametrize("option", ["--platform current", ""])
def test_the_current_platform_is_this_machines(option: str, run: Callable[..., Outcome]) -> None:
    assert run(f"call base {option} platform").stdout in {"linux/amd64", "linux/arm64"}
