"""The same call again goes to the registry and to the server again: no result is a cached one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.calls.conftest import Caller
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Released:
    """A caller whose second release runs, and both releases' tags and references."""

    caller: Caller
    tags: tuple[str, str]
    references: tuple[str, str]


@pytest.fixture(scope="module")
def released(caller: Caller) -> Released:
    now = datetime.now(UTC)
    tags = tuple(f"{now - timedelta(minutes=ago):%Y%m%d-%H%M%S}" for ago in (1, 0))
    references = []
    for tag in tags:
        caller.site.commit(tag)
        references.append(caller.allowed("release", "--tag", tag).splitlines()[-1])
    return Released(caller, tags, tuple(references))


# The order matters to the last one alone.
CALLS = {
    "publish": ("publish", "--tag", "{second}"),
    "verify": ("verify", "--tag", "{second}"),
    "deploy": ("deploy", "--tag", "{second}"),
    "deploy --plan": ("deploy", "--tag", "{second}", "--plan"),
    "release": ("release", "--tag", "{second}"),
    "recover": ("recover",),
    "status": ("status",),
    "rollback": ("rollback", "--tag", "{first}"),
}
ASKS_NO_REGISTRY = {"recover"}
ASKS_NO_SERVER = {"publish", "verify"}


@pytest.mark.parametrize("words", CALLS.values(), ids=CALLS)
def test_each_of_two_equal_calls_goes_there_itself(released, words):
    caller = released.caller
    first, second = released.tags
    for _ in range(2):
        requests, visits = len(caller.registry.log), caller.server.visits
        caller.allowed(*(word.format(first=first, second=second) for word in words))
        assert (len(caller.registry.log) > requests) == (words[0] not in ASKS_NO_REGISTRY)
        assert (caller.server.visits > visits) == (words[0] not in ASKS_NO_SERVER)
    runs = 0 if words[0] == "rollback" else 1
    assert running(caller.site.stack)[0] == released.references[runs]
    assert version(caller.site.stack) == released.tags[runs]


def test_each_of_two_equal_audits_looks_at_the_registry_itself(released, tmp_path):
    caller = released.caller
    for name in ("one", "two"):
        requests = len(caller.registry.log)
        caller.allowed("audit", "--tag", released.tags[1], output=str(tmp_path / name))
        assert len(caller.registry.log) > requests
        assert (tmp_path / name / "report.json").exists()


def test_a_tag_is_minted_by_each_call(caller):
    begun = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    first = caller.allowed("tag")
    assert begun <= first
    while first >= (now := f"{datetime.now(UTC):%Y%m%d-%H%M%S}"):
        pass
    assert now <= caller.allowed("tag")
