"""A fresh repository behind a fault proxy, for each test."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator

import dagger
import pytest

from ci.decisions.credentials import Credentials
from ci.embedded.server import session
from tests.faults.bench import Bench
from tests.faults.proxy import FaultProxy

# Fixtures of other tests: an image of one small layer for docker and skopeo, a small project.
from tests.rehearsal.conftest import small_image, small_tar
from tests.stages.conftest import project

__all__ = ["project", "small_image", "small_tar"]


@pytest.fixture
def proxy(target: str) -> Iterator[FaultProxy]:
    """Pass-through to the rehearsal's registry, until scripted."""
    with FaultProxy(target) as running:
        yield running


@pytest.fixture
def bench(proxy: FaultProxy, target: str, request: pytest.FixtureRequest) -> Bench:
    """A repository that nobody used before."""
    given = [request.getfixturevalue(n) for n in ("credentials", "read_only_credentials")]
    owner, reader = (Credentials(each.user, each.token) for each in given)
    return Bench(proxy, target, f"acme/fault-{secrets.token_hex(4)}", owner, reader)


@pytest.fixture(scope="package")
def engine(
    docker_host: str, mirror: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The embedded engine with a store of its own."""
    state = tmp_path_factory.mktemp("engine") / "state"
    with session({**os.environ, "CI_EMBEDDED_STATE": str(state)}):
        yield


@pytest.fixture
async def connected(engine: None) -> AsyncIterator[None]:
    """A client of it."""
    async with dagger.connection(dagger.Config(log_output=None)):
        yield
