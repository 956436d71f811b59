"""The registry's whole contract once more: through the proxy, and on a registry of another make."""

import secrets

import pytest

from ci.oci.reference import parse_repository
from tests.contract import test_registry as contract
from tests.contract.test_registry import *  # noqa: F403 - the suite itself
from tests.faults.second import OpenKit, second_registry

pytestmark = pytest.mark.registry


@pytest.fixture(scope="session")
def second():
    with second_registry() as address:
        yield address


@pytest.fixture(params=["through the proxy", "another make"])
def kit(request):
    if request.param == "another make":
        address = request.getfixturevalue("second")
        nobody = None
        return OpenKit(parse_repository(f"{address}/acme/{secrets.token_hex(4)}"), nobody, nobody)
    bench = request.getfixturevalue("bench")
    through = bench.past_proxy
    through.repository = bench.repository
    return through


@pytest.mark.parametrize("kit", ["through the proxy"], indirect=True)
async def test_a_reader_may_not_push(kit):
    """The other registry has no accounts, so nobody who may only read."""
    await contract.test_a_reader_may_not_push(kit)
