"""A layer that the registry is known to refuse is refused before a byte of it is sent."""

import pytest
from dagger import QueryError
from dagger._exceptions import QueryErrorValue
from gql import gql

from ci.embedded.errors import EngineError, LayerTooLarge
from ci.embedded.images import LAYER_LIMIT_BYTES, OciImage, layer_limits, refuse_too_large
from ci.embedded.layers import Layer
from ci.engine import marks_of

LIMIT = 10_000_000_000


def image(size: int) -> OciImage:
    layer = Layer("sha256:" + "0" * 64, "sha256:" + "1" * 64, size)
    return OciImage("linux/amd64", b"{}", b"{}", [layer])


def test_a_layer_over_githubs_limit_is_refused_with_both_sizes() -> None:
    with pytest.raises(LayerTooLarge, match=f"{LIMIT + 1} bytes; ghcr.io takes {LIMIT}"):
        refuse_too_large("ghcr.io", [image(5), image(LIMIT + 1)], layer_limits(""))


def test_a_layer_at_the_limit_and_any_layer_elsewhere_may_go() -> None:
    refuse_too_large("ghcr.io", [image(LIMIT)], layer_limits(""))
    refuse_too_large("localhost:5000", [image(LIMIT * 3)], layer_limits(""))


def test_limits_of_other_registries_are_given_by_name() -> None:
    more = layer_limits("registry.example:5000=500, other.example=7")
    assert more == {**LAYER_LIMIT_BYTES, "registry.example:5000": 500, "other.example": 7}
    with pytest.raises(EngineError, match="CI_EMBEDDED_LAYER_LIMITS"):
        layer_limits("registry.example")


def test_the_client_tells_it_by_its_mark_and_not_by_its_words() -> None:
    sent = {"message": "some words", "extensions": LayerTooLarge("other words").extensions}
    assert marks_of(QueryError([QueryErrorValue(**sent)], gql("{version}"))) == {"LAYER_TOO_LARGE"}
