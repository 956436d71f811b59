"""Row P13: a hundred real races; latest ends at the newest tag, and nobody is told a lie.

Every schedule on the model is in tests/stages; here the registry and its clock are real, and so is
the way the requests of two clients fall into each other.
"""

import asyncio
import random
import secrets
from dataclasses import replace

import pytest

from ci.adapters.clock import SystemClock
from ci.errors import TagConflict
from ci.oci.digest import digest_of
from ci.publish import Published
from tests.faults.bench import SOURCES, Bench, ShortClock, minted
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.registry
RACES = 100
AT_ONCE = 8
ONE = ("linux/amd64",)


def another(bench: Bench, path: str, clock: ShortClock | SystemClock) -> Bench:
    """A client of its own, straight at the registry."""
    past = FaultProxy(bench.target)
    past.port = int(bench.target.rpartition(":")[2])
    return replace(bench, proxy=past, path=path, clock=clock, platforms=ONE)


async def start(bench: Bench, tag: str, delay_s: float, **more: object) -> Published | TagConflict:
    await asyncio.sleep(delay_s)
    try:
        return await bench.publish(tag, **more)
    except TagConflict as error:
        return error


async def race(bench: Bench, number: int) -> str:
    """One race of the kind that its number says; returns how it ended."""
    path = f"acme/race-{secrets.token_hex(4)}"
    kind = ("two tags", "one release", "one tag, two sources")[number % 3]
    # That two reads are a second apart is what finds another writer of the same tag.
    clock = ShortClock() if kind == "two tags" else SystemClock()
    one, two = another(bench, path, clock), another(bench, path, clock)
    # Which of the two comes first, and by how much, goes through the whole length of a run.
    delay_s = random.Random(number).uniform(-0.25, 0.25)
    tags = (minted(90), minted(30)) if kind == "two tags" else (minted(60),) * 2
    sources = digest_of(b"other") if kind == "one tag, two sources" else SOURCES
    outcomes = await asyncio.gather(
        start(one, tags[0], max(0.0, delay_s), salt="one"),
        start(two, tags[1], max(0.0, -delay_s), salt="two", fingerprint=sources),
    )
    held = await asyncio.to_thread(one.observer.tags)
    assert held["latest"] == held[max(tags)], number
    assert await asyncio.to_thread(one.observer.holds_tree, "latest"), number
    told = [done for done in outcomes if isinstance(done, Published)]
    for tag, done in zip(tags, outcomes, strict=True):
        said = str(done.digest) if isinstance(done, Published) else done.cause
        assert str(held[tag]) in said, f"{number}: told a lie"
    assert len(told) == 2 if kind == "two tags" else told, f"{number}: {outcomes}"
    return f"{kind}: {len(told)} of 2"


async def test_p13_a_hundred_races_end_with_the_newest_and_with_the_truth(
    bench: Bench, record_property
):
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> str:
        async with limit:
            return await race(bench, number)

    outcomes = await asyncio.gather(*map(one, range(RACES)))
    assert len(outcomes) == RACES
    assert outcomes.count("one tag, two sources: 1 of 2") > 0, "no race was a race"
    record_property("measured", f"{RACES} races on the registry")
