"""A tag is believed after two looks that agree: registries that lag, and others who write."""

import itertools
import random

import pytest

from ci.errors import PermissionMissing, RegistryUnavailable, State, TagConflict
from ci.oci.reference import Tag
from tests.contract.images import image, release
from tests.contract.simulator import RegistrySimulator, Store
from tests.stages.model import NEW, OLD, SOURCES, Client, end_state


async def test_another_machine_that_was_faster_with_the_same_release_is_joined():
    store = Store()

    async def other_publishes(point):
        if point == "build":
            await Client(store, salt="other").publish()

    done = await Client(store, salt="mine", gate=other_publishes).publish()
    others = release(NEW, str(SOURCES), "other").top.digest
    assert done.digest == others
    assert end_state(store) == {NEW: others, "latest": others}


async def test_a_writer_that_takes_the_tag_after_us_is_reported():
    store = Store()
    foreign = store.put(release(NEW, "sha256:1", "foreign"))

    async def overwrite(point):
        if point == f"have put {NEW}":
            store.tags[NEW] = foreign

    with pytest.raises(TagConflict) as caught:
        await Client(store, gate=overwrite).publish()
    assert str(foreign) in caught.value.cause
    assert "latest" not in store.tags


@pytest.mark.parametrize("other", ["sha256:1", str(SOURCES)], ids=["release", "build"])
async def test_another_that_takes_the_tag_after_latest_moved_is_seen_and_latest_is_its_own(other):
    store = Store()
    others = store.put(release(NEW, other, "other"))

    async def overwrite(point):
        if point == "have put latest" and store.tags[NEW] != others:
            store.tags[NEW] = others

    publish = Client(store, gate=overwrite).publish()
    if other == str(SOURCES):
        assert (await publish).digest == others
    else:
        with pytest.raises(TagConflict) as caught:
            await publish
        assert str(others) in caught.value.cause
        assert str(caught.value.state) == "the tag was put, and holds another release since"
    assert end_state(store) == {NEW: others, "latest": others}


async def test_a_tag_that_was_seen_and_is_gone_is_not_called_published():
    store = Store()

    async def remove(point):
        if point == "have put latest":
            store.tags.pop(NEW)

    with pytest.raises(RegistryUnavailable) as caught:
        await Client(store, gate=remove).publish()
    assert caught.value.state is State.S6


@pytest.mark.parametrize("seed", range(20))
async def test_replicas_that_lag_by_turns_are_waited_for(seed):
    """One of two replicas is half a minute behind; who answers is chance."""
    store, chance = Store(), random.Random(seed)
    store.tags[OLD] = store.tags["latest"] = store.put(release(OLD, str(SOURCES)))
    before = dict(store.tags)

    class Behind(RegistrySimulator):
        async def manifest(self, identifier):
            found = await super().manifest(identifier)
            is_tag = isinstance(identifier, Tag) and identifier.text in (NEW, "latest")
            if is_tag and client.clock.spent_s < 30 and chance.random() < 0.5:
                old = before.get(identifier.text)
                return store.manifests[old] if old else None
            return found

    client = Client(store, registry=Behind)
    done = await client.publish()
    assert end_state(store) == {OLD: before[OLD], NEW: done.digest, "latest": done.digest}


async def test_what_a_stranger_puts_under_our_tag_never_becomes_latest():
    store = Store()
    store.tags[OLD] = store.tags["latest"] = store.put(release(OLD, str(SOURCES)))
    strangers = store.put(image("linux/amd64", {}))

    async def overwrite(point):
        if point == "have put latest" and store.tags[NEW] != strangers:
            store.tags[NEW] = strangers

    with pytest.raises(TagConflict):
        await Client(store, gate=overwrite).publish()
    assert end_state(store) == {OLD: store.tags[OLD], NEW: strangers, "latest": store.tags[OLD]}


async def test_a_tag_that_was_taken_is_told_though_latest_cannot_be_given_back():
    store = Store()
    store.tags[OLD] = store.tags["latest"] = store.put(release(OLD, str(SOURCES)))
    strangers = store.put(image("linux/amd64", {}))

    async def overwrite(point):
        if point == "have put latest":
            store.tags[NEW] = strangers
        if point == "put latest" and store.tags.get(NEW) == strangers:
            raise PermissionMissing("no longer", remedy="none")

    with pytest.raises(TagConflict) as caught:
        await Client(store, gate=overwrite).publish()
    assert str(strangers) in caught.value.cause
    assert isinstance(caught.value.__cause__, PermissionMissing)


async def test_latest_that_shows_the_old_for_ever_is_not_called_moved():
    store = Store()
    store.tags[OLD] = store.tags["latest"] = store.put(release(OLD, str(SOURCES)))

    class Stuck(RegistrySimulator):
        async def manifest(self, identifier):
            return await super().manifest(Tag(OLD) if identifier == Tag("latest") else identifier)

    client = Client(store, registry=Stuck)
    with pytest.raises(RegistryUnavailable) as caught:
        await client.publish()
    assert caught.value.state is State.S2
    assert client.clock.spent_s >= 60


async def test_a_registry_that_lags_is_waited_for():
    store = Store()
    reads = itertools.count()

    class Lagging(RegistrySimulator):
        async def manifest(self, identifier):
            found = await super().manifest(identifier)
            lags = identifier == Tag(NEW) and found and next(reads) < 3
            return None if lags else found

    client = Client(store, registry=Lagging)
    done = await client.publish()
    assert done.digest == store.tags["latest"]
    assert client.clock.spent_s >= 4


async def test_a_tag_that_never_appears_is_not_called_published():
    store = Store()

    class Forgetting(RegistrySimulator):
        async def push_manifest(self, tag, document):
            return None

    with pytest.raises(RegistryUnavailable) as caught:
        await Client(store, registry=Forgetting).publish()
    assert caught.value.state is State.S6


async def test_one_good_read_is_not_believed_when_the_next_disagrees():
    store = Store()
    flaps = itertools.cycle([True, False, True, True])

    class Flapping(RegistrySimulator):
        async def manifest(self, identifier):
            found = await super().manifest(identifier)
            return found if not (found and identifier == Tag(NEW)) or next(flaps) else None

    client = Client(store, registry=Flapping)
    await client.publish()
    # Seen, not there, and only then twice in a row: a second after the first, and after the next.
    assert client.clock.spent_s >= 2
