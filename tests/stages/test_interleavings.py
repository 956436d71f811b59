"""Row P13 on the model: whatever the interleaving of two publishers, the end is right."""

from functools import partial

import pytest

from ci.errors import TagConflict
from ci.oci.digest import digest_of
from ci.publish import Published
from tests.contract.images import release
from tests.contract.simulator import Store
from tests.stages.interleave import explore
from tests.stages.model import NEW, OLD, SOURCES, Client

ONE = ("linux/amd64",)


def two_new() -> list[Client]:
    """Machines that publish two tags to one fresh repository."""
    store = Store()
    return [Client(store, tag, salt=tag, platforms=ONE) for tag in (OLD, NEW)]


def one_again() -> list[Client]:
    """The same, where the older tag was published before and is published again."""
    clients = two_new()
    store = clients[0].store
    store.tags[OLD] = store.tags["latest"] = store.put(release(OLD, str(SOURCES), OLD, ONE))
    return clients


def newest_is_latest(clients, outcomes) -> None:
    held = clients[0].store.tags
    for client, done in zip(clients, outcomes, strict=True):
        assert isinstance(done, Published), done
        assert held[client.tag] == done.digest, "told a lie"
    assert held["latest"] == held[NEW]


def same_release(salts: tuple[str, str]) -> list[Client]:
    """Two machines that publish one release; another salt gives other bytes."""
    store = Store()
    return [Client(store, NEW, salt=salt, platforms=ONE) for salt in salts]


SAME = {"same bytes": ("", ""), "other bytes": ("a", "b")}


@pytest.mark.parametrize("salts", SAME.values(), ids=SAME.keys())
async def test_every_interleaving_of_two_publishers_of_one_release_ends_with_both_told_its_digest(
    salts, monkeypatch, record_property
):
    monkeypatch.setattr("ci.tagging.LAG_S", 3.0)
    found = await explore(partial(same_release, salts), newest_is_latest)
    count = f"{found.schedules:,} interleavings, {len(found.follows):,} states, {found.runs:,} runs"
    record_property("measured", f"one release: {count}")


def two_releases() -> list[Client]:
    """Two machines that publish other sources under one tag."""
    store = Store()
    return [
        Client(store, NEW, digest_of(salt.encode()), salt, platforms=ONE) for salt in ("a", "b")
    ]


def one_has_it(clients, outcomes) -> None:
    held = clients[0].store.tags
    published = [done for done in outcomes if isinstance(done, Published)]
    assert [done.digest for done in published] == [held[NEW]], "told a lie"
    assert all(done in published or isinstance(done, TagConflict) for done in outcomes)
    assert held["latest"] == held[NEW]


async def test_every_interleaving_of_two_releases_under_one_tag_ends_with_one_published_as_latest(
    record_property,
):
    found = await explore(two_releases, one_has_it)
    count = f"{found.schedules:,} interleavings, {len(found.follows):,} states, {found.runs:,} runs"
    record_property("measured", f"one tag: {count}")


STARTS = {"two new tags": (two_new, 10**6), "one of them again": (one_again, 10**3)}


@pytest.mark.parametrize(("start", "at_least"), STARTS.values(), ids=STARTS.keys())
async def test_every_interleaving_of_two_publishers_ends_with_the_newest_as_latest(
    start, at_least, record_property
):
    found = await explore(start, newest_is_latest)
    count = f"{found.schedules:,} interleavings, {len(found.follows):,} states, {found.runs:,} runs"
    record_property("measured", count)
    assert found.schedules > at_least, f"these are not all: {count}"
