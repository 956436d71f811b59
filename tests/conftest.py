"""The outside that tests run against: what `make setup` started, read from its environment file.

A variable of the environment goes before the file. What is missing skips the test on a laptop, and
fails it where CI is set.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from rehearsal.docker_daemon import answers
from rehearsal.environment import read_environment
from rehearsal.layout import Layout
from rehearsal.registries import status_of
from tests.clients import Client, Credentials, client, missing
from tests.workers import pytest_xdist_make_scheduler

__all__ = ["pytest_xdist_make_scheduler"]
CHECKOUT = Path(__file__).resolve().parent.parent

# Properties are judged by what they give, not by how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# As ./daggerw does: the embedded engine's cache is kept in the checkout, not in the home.
os.environ.setdefault("CI_EMBEDDED_STATE", str(CHECKOUT / ".local" / "engine"))


@pytest.fixture(scope="session")
def rehearsal() -> dict[str, str]:
    """The variables that say how to reach everything."""
    return read_environment(Layout(CHECKOUT)) | dict(os.environ)


@pytest.fixture(scope="session")
def docker_host(rehearsal: dict[str, str]) -> Iterator[str]:
    """The Docker engine's address, which is also in the environment while the session lasts."""
    address = rehearsal.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not answers(address):
        missing(f"no Docker engine answers at {address}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        yield address


@pytest.fixture(scope="session")
def mirror(rehearsal: dict[str, str]) -> str:
    """`host:port` of the anonymous registry that stands for Docker Hub; read only."""
    return registry_at(rehearsal.get("REHEARSAL_MIRROR"), "the mirror")


@pytest.fixture(scope="session")
def target(rehearsal: dict[str, str]) -> str:
    """`host:port` of the registry that wants tokens, as GHCR does."""
    return registry_at(rehearsal.get("REHEARSAL_REGISTRY"), "the target registry")


@pytest.fixture(scope="session")
def credentials(rehearsal: dict[str, str], target: str) -> Credentials:
    """Who may pull, push and delete in the target registry."""
    return account(rehearsal, "REHEARSAL_USER", "REHEARSAL_TOKEN_FILE")


@pytest.fixture(scope="session")
def read_only_credentials(rehearsal: dict[str, str], target: str) -> Credentials:
    """Who may pull there, and nothing more."""
    return account(rehearsal, "REHEARSAL_READER", "REHEARSAL_READER_TOKEN_FILE")


@pytest.fixture
def docker(docker_host: str, tmp_path: Path) -> Client:
    """The docker command, on the engine of the tests, logged in nowhere."""
    further = {"DOCKER_HOST": docker_host, "DOCKER_CONFIG": str(tmp_path)}
    return client("docker", tmp_path, further)


@pytest.fixture
def skopeo(tmp_path: Path) -> Client:
    """The skopeo command, logged in nowhere."""
    return client("skopeo", tmp_path, {"REGISTRY_AUTH_FILE": str(tmp_path / "config.json")})


def account(rehearsal: dict[str, str], user: str, token_file: str) -> Credentials:
    """The credentials that two variables name."""
    if user not in rehearsal or token_file not in rehearsal:
        missing(f"no {user} and {token_file}")
    return Credentials(rehearsal[user], Path(rehearsal[token_file]))


def registry_at(address: str | None, name: str) -> str:
    """The address, once something answers like a registry there."""
    if address is None:
        missing(f"no address of {name}")
    if status_of(int(str(address).rpartition(":")[2]), "/v2/") is None:
        missing(f"{name} at {address} does not answer")
    return str(address)
