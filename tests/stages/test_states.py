"""What an error says of how far the run came is true: each request of a run fails once."""

from datetime import UTC

import pytest

from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Expected
from ci.errors import PermissionMissing, State
from ci.oci.platform import parse_platform
from ci.verify import verify_release
from tests.contract.images import BOTH, release
from tests.contract.simulator import RegistrySimulator, Store
from tests.stages.model import NEW, NOW, OLD, SOURCES, Client, FastClock

EXPECTED = Expected(tuple(map(parse_platform, BOTH)), NEW)


class Refusing:
    """Lets a number of requests pass, then refuses all."""

    def __init__(self, passing: int) -> None:
        self.passing, self.asked = passing, 0

    async def gate(self, _: str) -> None:
        self.asked += 1
        if self.asked > self.passing:
            raise PermissionMissing("no longer", remedy="none")


async def requests_of(make_store, run) -> int:
    counting = Refusing(10**6)
    await run(make_store(), counting.gate)
    return counting.asked


def held(*tags: str, latest: str = "") -> Store:
    store = Store()
    for name in tags:
        store.tags[name] = store.put(release(name, str(SOURCES)))
    if latest:
        store.tags["latest"] = store.tags[latest]
    return store


def is_true(state: State, before: Store, after: Store) -> bool:
    """Hold a claim against the registry itself."""
    moved = {name for name in (NEW, "latest") if before.tags.get(name) != after.tags.get(name)}
    return {
        State.RO: before.tags == after.tags,
        State.S1: not moved,
        State.S6: moved <= {NEW},
        State.S2: NEW in after.tags,
    }[state]


async def publish(store, gate):
    return await Client(store, gate=gate).publish()


async def verify(store, gate):
    registry = RegistrySimulator(store, gate=gate, time=lambda: NOW)
    tag = parse_release_tag(NEW, UTC)
    return await verify_release(registry, tag, EXPECTED, digest=None, zone=UTC, clock=FastClock())


RUNS = {
    "fresh": (lambda: held(OLD, latest=OLD), publish, {State.S1, State.S6, State.S2}),
    "again": (lambda: held(NEW, latest=NEW), publish, {State.S1, State.S2}),
    "latest is behind": (lambda: held(OLD, NEW, latest=OLD), publish, {State.S1, State.S2}),
    "verify": (lambda: held(NEW, latest=NEW), verify, {State.RO}),
}


@pytest.mark.parametrize(("make_store", "run", "expected"), RUNS.values(), ids=RUNS.keys())
async def test_a_run_refused_at_any_request_says_what_is_true(make_store, run, expected):
    total, states = await requests_of(make_store, run), set()
    for passing in range(total):
        store = make_store()
        with pytest.raises(PermissionMissing) as caught:
            await run(store, Refusing(passing).gate)
        state = caught.value.state
        assert is_true(state, make_store(), store), (passing, state)
        states.add(state)
    assert states == expected
