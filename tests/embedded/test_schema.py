"""The schema is read from the client, whatever else happens in the process meanwhile."""

import ast
import gc
from collections.abc import Iterator

import pytest

from ci.embedded.schema import Derivation, client_source


class Parses:
    """Parses as it is collected, as a traceback that is formatted there does."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse("1 + (2 * 3)")


@pytest.fixture
def eager_collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(50, 1, 1)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("eager_collector")
def test_what_is_collected_meanwhile_does_not_disturb_the_reading() -> None:
    for _ in range(20):
        Parses()
    assert Derivation(client_source().read_text()).objects
    assert gc.isenabled()
