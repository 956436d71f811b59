"""Promises 1 and 2 on the model: write once, resume anywhere, latest never backwards."""

import itertools
import random

import pytest

from ci.decisions.publication import Step
from ci.errors import (
    PermissionMissing,
    PlatformLie,
    RegistryUnavailable,
    State,
    TagConflict,
    TagFromFuture,
    TreeIncomplete,
)
from ci.oci.digest import digest_of
from ci.oci.manifest import DOCKER_MANIFEST, Document
from ci.oci.reference import Tag
from tests.contract.images import BOTH, image, index, labels_for, release
from tests.contract.simulator import RegistrySimulator, Store
from tests.stages.model import NEW, OLD, SOURCES, Client


class Killed(BaseException):
    """The process is gone."""


def end_state(store):
    return {name: digest for name, digest in store.tags.items() if name != "unverified"}


async def test_a_fresh_release_gets_its_tag_and_latest():
    store = Store()
    done = await Client(store).publish()
    assert done.step is Step.BUILD
    assert end_state(store) == {NEW: done.digest, "latest": done.digest}


async def test_publishing_again_builds_nothing_and_changes_nothing():
    store = Store()
    first = await Client(store).publish()
    again = Client(store, salt="another machine")
    done = await again.publish()
    assert (again.builds, done.step, done.digest) == (0, Step.CONFIRM, first.digest)


async def test_a_published_release_is_verified_all_the_same():
    store = Store()
    await Client(store).publish()
    store.blobs.pop(digest_of(release(NEW, str(SOURCES)).blobs[1]))
    with pytest.raises(TreeIncomplete):
        await Client(store).publish()


async def test_other_sources_under_a_tag_are_refused_before_the_build():
    store = Store()
    await Client(store).publish()
    before = dict(store.tags)
    other = Client(store, fingerprint=digest_of(b"other sources"))
    with pytest.raises(TagConflict) as caught:
        await other.publish()
    assert (other.builds, store.tags, caught.value.state) == (0, before, State.S1)


async def test_a_foreign_image_under_a_tag_is_refused():
    store = Store()
    store.tags[NEW] = store.put(image("linux/amd64", {}))
    with pytest.raises(TagConflict):
        await Client(store).publish()


async def test_without_the_right_to_push_nothing_is_built():
    client = Client(Store(), may_push=False)
    with pytest.raises(PermissionMissing):
        await client.publish()
    assert client.builds == 0


async def test_a_tag_from_the_future_is_refused_before_the_build():
    client = Client(Store(), tag="20270101-000000")
    with pytest.raises(TagFromFuture):
        await client.publish()
    assert client.builds == 0


async def test_a_push_that_is_not_whole_never_gets_a_tag():
    store = Store()
    client = Client(store)

    async def make():
        digest = await client.make()
        store.blobs.pop(digest_of(release(NEW, str(SOURCES)).blobs[1]))
        return digest

    with pytest.raises(TreeIncomplete) as caught:
        await client.publish(make)
    assert caught.value.state is State.S1
    assert end_state(store) == {}


async def test_what_an_earlier_run_pushed_is_built_again_when_it_is_not_whole():
    store = Store()
    broken = release(NEW, str(SOURCES), "broken")
    store.tags["unverified"] = store.put(broken)
    store.manifests.pop(broken.children[1].digest)
    client = Client(store)
    done = await client.publish()
    assert (client.builds, done.step) == (1, Step.BUILD)
    assert end_state(store) == {NEW: done.digest, "latest": done.digest}


async def test_an_older_release_does_not_move_latest_back():
    store = Store()
    newer = await Client(store, NEW).publish()
    older_client = Client(store, OLD)
    older = await older_client.publish()
    assert end_state(store) == {NEW: newer.digest, OLD: older.digest, "latest": newer.digest}
    assert str(older.latest) == NEW
    assert any("latest stays" in line for line in older_client.progress.lines)


async def test_latest_from_before_this_tool_counts_as_oldest():
    store = Store()
    legacy = image("linux/amd64", {})
    old_style = Document(
        legacy.top.raw.replace(b"oci.image.manifest.v1", b"docker.distribution.manifest.v2"),
        DOCKER_MANIFEST,
    )
    store.put(legacy)
    store.manifests[old_style.digest] = old_style
    store.tags["latest"] = old_style.digest
    done = await Client(store, OLD).publish()
    assert store.tags["latest"] == done.digest


async def test_latest_that_cannot_be_read_is_replaced():
    store = Store()
    schema1 = Document(b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1")
    store.manifests[schema1.digest] = schema1
    store.tags["latest"] = schema1.digest
    done = await Client(store).publish()
    assert store.tags["latest"] == done.digest


async def test_a_newer_tag_that_is_not_whole_does_not_become_latest():
    store = Store()
    broken = release("20261123-115900", "sha256:0")
    store.tags["20261123-115900"] = store.put(broken)
    store.manifests.pop(broken.children[0].digest)
    done = await Client(store).publish()
    assert store.tags["latest"] == done.digest


async def test_a_tag_from_the_future_does_not_keep_latest_from_moving():
    store = Store()
    store.tags["20271123-115900"] = store.put(release("20271123-115900", "sha256:0"))
    done = await Client(store).publish()
    assert store.tags["latest"] == done.digest


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
        assert caught.value.state is State.S6
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
async def test_replicas_that_lag_by_turns_are_waited_for_and_told_by_name(seed):
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


async def count_gates():
    seen = []

    async def count(point):
        seen.append(point)

    await Client(Store(), gate=count).publish()
    return len(seen)


async def test_a_run_killed_anywhere_is_finished_by_the_next():
    """Every request of a run, before and after it took effect."""
    total = await count_gates()
    assert total > 25
    for fatal in range(total):
        store = Store()
        points = itertools.count()

        async def die(_, points=points, fatal=fatal):
            if next(points) == fatal:
                raise Killed

        first = Client(store, gate=die, salt="first")
        with pytest.raises((Killed, BaseExceptionGroup)):
            await first.publish()
        for name, digest in end_state(store).items():
            assert store.manifests[digest], name
        second = Client(store, salt="second")
        done = await second.publish()
        assert end_state(store) == {NEW: done.digest, "latest": done.digest}, fatal
        assert second.builds == (
            0
            if "unverified" in store.tags
            and first.builds
            and done.digest == release(NEW, str(SOURCES), "first").top.digest
            else 1
        )


async def test_a_release_of_the_wrong_platforms_never_gets_a_tag():
    store = Store()

    async def make():
        labels = labels_for(NEW, str(SOURCES))
        images = {on: image("linux/amd64", labels, on) for on in BOTH}
        return store.put(index(images))

    with pytest.raises(PlatformLie):
        await Client(store).publish(make)
    assert end_state(store) == {}
