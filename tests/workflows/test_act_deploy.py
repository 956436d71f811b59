"""The workflow as act runs it, on to a server: the container's image is the registry's digest."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import fresh_stack, server
from tests.server.driver import Stack
from tests.server.observer import running, same_container, version
from tests.workflows.conftest import Place, digest_in, new_tag
from tests.workflows.server import settle

__all__ = ["server"]

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def stack(server, credentials) -> Iterator[Stack]:
    yield from fresh_stack(server, credentials, "dash")


@pytest.fixture
def place(make_place, stack) -> Place:
    made = make_place()
    settle(made.origin, stack)
    return dataclasses.replace(made, key_file=Path(stack.remote.server["SERVER_KEY_FILE"]))


def test_a_pushed_tag_runs_on_the_server_and_is_taken_back_by_hand(place: Place, stack: Stack):
    first, second = new_tag(), new_tag()
    place.origin.git("tag", first)
    outcome = place.runner().push(f"refs/tags/{first}")
    digest = digest_in(outcome)
    assert running(stack)[0] == f"{place.defaults['IMAGE']}@{digest}"
    assert version(stack) == first
    for secret in (place.credentials.token, "PRIVATE KEY", *place.key_lines()):
        assert secret not in outcome.log

    laptop = place.laptop()
    laptop.publish(second)
    done = laptop.call("deploy", "--tag", second, "--key", f"file:{place.key_file}")
    assert done.returncode == 0, done.stderr
    assert version(stack) == second

    outcome = place.runner().dispatch(action="rollback")
    assert outcome.exit_code == 0, outcome.log
    assert running(stack)[0] == f"{place.defaults['IMAGE']}@{digest}"
    assert version(stack) == first
    assert "Main Publish" not in outcome.log

    before = stack.service()
    outcome = place.runner().dispatch(action="deploy", image_tag=first)
    assert outcome.exit_code == 0, outcome.log
    assert same_container(before, stack.service())
