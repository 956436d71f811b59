"""Sequential round trips: what makes a registry across the internet slow, counted exactly."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial

import pytest

from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Expected
from ci.errors import TagConflict
from ci.oci.digest import digest_of
from ci.oci.platform import parse_platform
from ci.oci.reference import Tag
from ci.read import read_held
from ci.verify import Wanted, verify_release
from tests.contract.images import BOTH, release
from tests.contract.simulator import RegistrySimulator, Store
from tests.stages.model import NEW, NOW, OLD, SOURCES, Client, FastClock

TAG = parse_release_tag(NEW, UTC)
EXPECTED = Expected(tuple(map(parse_platform, BOTH)), NEW)
RELEASE = release(NEW, str(SOURCES))


@dataclass
class Rounds:
    """Answers all requests that are under way together: each time is one round trip."""

    requests: list[list[str]] = field(default_factory=list)
    waiting: list[asyncio.Future] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def gate(self, point: str) -> None:
        if point.startswith("have "):
            return
        self.asked.append(point)
        answered = asyncio.get_running_loop().create_future()
        self.waiting.append(answered)
        await answered

    async def of(self, work):
        """Run to the end; answers only when nobody has anything left to do but wait."""
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(50):
                await asyncio.sleep(0)
            if self.waiting:
                self.requests.append(self.asked)
                waiting, self.waiting, self.asked = self.waiting, [], []
                for answered in waiting:
                    answered.set_result(None)
        return await task


def published():
    store = Store()
    digest = store.put(RELEASE)
    store.tags = {NEW: digest, "latest": digest}
    return store


@pytest.mark.parametrize("extra", [(), (OLD,)])
async def test_a_whole_tree_is_verified_in_three_rounds_with_the_second_look_beside(extra):
    store, rounds = published(), Rounds()
    for name in extra:
        store.tags[name] = store.put(release(name, "sha256:0"))
    registry = RegistrySimulator(store, gate=rounds.gate, time=lambda: NOW)
    clock = FastClock()
    await rounds.of(verify_release(registry, TAG, EXPECTED, wanted=Wanted(), zone=UTC, clock=clock))
    first, children, parts = rounds.requests
    assert sorted(first) == ["manifest 20261123-113000", "manifest latest", "now", "tags"]
    assert sum("sha256:" in point for point in children) == 2
    assert children.count("manifest 20261123-113000") == 1
    kinds = sorted(point.partition(" ")[0] for point in parts)
    assert kinds == ["blob", "blob", "blob_size", "blob_size"]
    assert clock.spent_s == 1.0


async def test_the_second_look_comes_a_second_after_the_first_was_answered():
    clock, looks = FastClock(), list[float]()

    class Slow(RegistrySimulator):
        async def manifest(self, identifier):
            if identifier == TAG.tag:
                looks.append(clock.spent_s)
                clock.spent_s += 0.75
            return await super().manifest(identifier)

    registry = Slow(published(), time=lambda: NOW)
    await verify_release(registry, TAG, EXPECTED, wanted=Wanted(), zone=UTC, clock=clock)
    asked, again = looks
    assert again - (asked + 0.75) == 1.0


async def test_a_tag_that_the_run_itself_saw_twice_is_looked_at_once_more_and_not_waited_for():
    store, rounds, clock = published(), Rounds(), FastClock()
    registry = RegistrySimulator(store, gate=rounds.gate, time=lambda: NOW)
    verified = partial(verify_release, registry, TAG, EXPECTED, zone=UTC, clock=clock)
    await rounds.of(verified(wanted=Wanted(RELEASE.top.digest, is_believed=True)))
    assert clock.spent_s == 0
    assert sum(each.count("manifest 20261123-113000") for each in rounds.requests) == 1
    with pytest.raises(TagConflict):
        await rounds.of(verified(wanted=Wanted(digest_of(b"another writer's"), is_believed=True)))


async def test_what_a_tag_holds_is_read_by_its_first_image_alone():
    rounds = Rounds()
    held = await rounds.of(read_held(RegistrySimulator(published(), gate=rounds.gate), Tag(NEW)))
    assert held.version == NEW
    assert [len(each) for each in rounds.requests] == [1, 1, 1]


async def test_the_first_image_that_is_there_tells_what_a_tag_holds():
    store = published()
    store.manifests.pop(RELEASE.children[0].digest)
    held = await read_held(RegistrySimulator(store), Tag(NEW))
    assert held.version == NEW


async def test_confirming_a_release_never_sleeps_and_reads_side_by_side():
    store, rounds = published(), Rounds()
    client = Client(store, gate=rounds.gate)
    await rounds.of(client.publish())
    assert client.builds == 0
    assert client.clock.spent_s == 0
    assert len(rounds.requests) == 3, rounds.requests
    assert not any(point.startswith("put") for each in rounds.requests for point in each)


async def test_a_fresh_release_waits_a_second_once_for_both_tags_that_it_puts():
    client = Client(Store())
    await client.publish()
    assert client.clock.spent_s == 1.0


async def test_both_tags_are_looked_at_again_a_second_after_each_was_seen_first():
    clock, looks = FastClock(), list[tuple[str, float]]()

    class Slow(RegistrySimulator):
        async def manifest(self, identifier):
            looks.append((str(identifier), clock.spent_s))
            clock.spent_s += 0.25
            return await super().manifest(identifier)

        async def push_manifest(self, tag, document):
            looks.append((f"put {tag}", clock.spent_s))
            await super().push_manifest(tag, document)

    await Client(Store(), registry=Slow, clock=clock).publish()
    for tag in (NEW, "latest"):
        put = next(at for at, (what, _) in enumerate(looks) if what == f"put {tag}")
        seen = [at_s for what, at_s in looks[put:] if what == tag]
        assert seen[-1] - (seen[0] + 0.25) >= 1.0
