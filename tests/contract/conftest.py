"""Each port's suite runs on the simulator and on the real thing."""

import secrets

import pytest

from ci.decisions.credentials import Credentials
from ci.oci.reference import parse_repository
from tests.contract.kits import RealKit, SimulatorKit


def real_kit(request):
    """A fresh repository in the rehearsal's registry."""
    target = request.getfixturevalue("target")
    owner = request.getfixturevalue("credentials")
    reader = request.getfixturevalue("read_only_credentials")
    name = f"{target}/acme/test-{secrets.token_hex(4)}"
    return RealKit(
        parse_repository(name),
        Credentials(owner.user, owner.token),
        Credentials(reader.user, reader.token),
    )


@pytest.fixture(params=["simulator", pytest.param("real", marks=pytest.mark.registry)])
def kit(request):
    return SimulatorKit() if request.param == "simulator" else real_kit(request)
