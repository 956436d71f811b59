"""What an error says of how far the run came is true: each request of a run fails once."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC

import pytest

from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Expected
from ci.errors import PermissionMissing, State
from ci.oci.platform import parse_platform
from ci.verify import Wanted, verify_release
from tests.contract.images import BOTH, release
from tests.contract.simulator import RegistrySimulator, Store
from tests.stages.model import NEW, NOW, OLD, SOURCES, Client, FastClock

EXPECTED = Expected(tuple(map(parse_platform, BOTH)), NEW)


@dataclass
class Refusing:
    """Refuses one request, and its like from then on; the requests are named, not numbered.

    Which of the requests under way together comes first says nothing, so nothing here rests on it.
    """

    refused: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    async def gate(self, point: str) -> None:
        self.counts[point] += 1
        name, _, nth = self.refused.rpartition("#")
        if point == name and self.counts[point] >= int(nth):
            raise PermissionMissing("no longer", remedy="none")


async def requests_of(make_store, run) -> list[str]:
    """Every request of a run that nothing disturbs, each by its name and number."""
    counting = Refusing()
    await run(make_store(), counting.gate)
    return [
        f"{name}#{nth}" for name, count in counting.counts.items() for nth in range(1, count + 1)
    ]


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
    return await verify_release(
        registry, tag, EXPECTED, wanted=Wanted(), zone=UTC, clock=FastClock()
    )


RUNS = {
    "fresh": (lambda: held(OLD, latest=OLD), publish, {State.S1, State.S6, State.S2}),
    "again": (lambda: held(NEW, latest=NEW), publish, {State.S1}),
    "latest is behind": (lambda: held(OLD, NEW, latest=OLD), publish, {State.S1, State.S2}),
    "verify": (lambda: held(NEW, latest=NEW), verify, {State.RO}),
}


@pytest.mark.parametrize(("make_store", "run", "expected"), RUNS.values(), ids=RUNS.keys())
async def test_a_run_refused_at_any_request_says_what_is_true(make_store, run, expected):
    states = set()
    for request in await requests_of(make_store, run):
        store = make_store()
        with pytest.raises(PermissionMissing) as caught:
            await run(store, Refusing(request).gate)
        state = caught.value.state
        assert is_true(state, make_store(), store), (request, state)
        states.add(state)
    assert states == expected
