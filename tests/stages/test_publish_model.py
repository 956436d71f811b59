"""Promises 1 and 2 on the model: write once, resume anywhere, latest never backwards."""

import itertools

import pytest

from ci.decisions.publication import Step
from ci.errors import (
    PermissionMissing,
    PlatformLie,
    State,
    TagConflict,
    TagFromFuture,
    TreeIncomplete,
)
from ci.oci.digest import digest_of
from ci.oci.manifest import DOCKER_MANIFEST, Document
from tests.contract.images import BOTH, image, index, labels_for, release
from tests.contract.simulator import Store
from tests.stages.model import NEW, OLD, SOURCES, Client, end_state


class Killed(BaseException):
    """The process is gone."""


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
