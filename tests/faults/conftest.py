"""A fresh repository behind a fault proxy, for each test."""

import secrets
from collections.abc import Iterator

import pytest

from ci.decisions.credentials import Credentials
from tests.faults.bench import Bench
from tests.faults.proxy import FaultProxy

# Fixtures of the rehearsal's tests: an image of one small layer for docker and skopeo.
from tests.rehearsal.conftest import small_image, small_tar

__all__ = ["small_image", "small_tar"]


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
