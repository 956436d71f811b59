"""Rows T12 to T15: tags against clocks, zones and each other."""

import re
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ci.decisions.tags import mint_tag
from ci.errors import (
    ClockSkew,
    State,
    TagConflict,
    TagFromFuture,
)
from ci.oci.digest import digest_of
from tests.contract.images import release
from tests.faults.actions import with_header
from tests.faults.bench import SOURCES, Bench, minted

pytestmark = pytest.mark.registry


@pytest.mark.registry
async def test_t12_a_tag_from_the_future_is_refused_before_the_build(bench: Bench):
    tag = minted(seconds_ago=-600)
    with pytest.raises(TagFromFuture) as caught:
        await bench.publish(tag)
    assert caught.value.state is State.S1
    assert (bench.builds, bench.observer.tags()) == (0, {})


@pytest.mark.registry
async def test_t12_a_tag_from_the_future_that_is_there_does_not_hold_latest(bench: Bench):
    future = minted(seconds_ago=-86_400)
    await bench.has(release(future, str(SOURCES)), future)
    tag = minted()
    done = await bench.publish(tag)
    assert str(done.latest) == tag
    assert bench.observer.digest("latest") == str(done.digest)


def clock_off_by(skew: timedelta):
    date = (datetime.now(UTC) + skew).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return with_header("Date", date)


@pytest.mark.registry
@pytest.mark.parametrize("hours", [-25, 25])
async def test_t13_clocks_a_day_apart_are_refused(bench: Bench, hours: int):
    bench.proxy.always("GET", "^/v2/$", clock_off_by(timedelta(hours=hours)))
    with pytest.raises(ClockSkew) as caught:
        await bench.publish(minted())
    assert caught.value.state is State.S1
    assert (bench.builds, bench.observer.tags()) == (0, {})


@pytest.mark.registry
async def test_t13_clocks_minutes_apart_are_noted(bench: Bench):
    bench.proxy.always("GET", "^/v2/$", clock_off_by(timedelta(minutes=10)))
    await bench.publish(minted())
    assert any(re.search(r"-(600|59[0-9]) s off", line) for line in bench.progress.lines)


ZONES = ("UTC", "Asia/Seoul", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")


@pytest.mark.parametrize("local", [*ZONES, "Europe/Berlin"])
def test_t14_the_machines_zone_does_not_matter(local: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", local)
    time.tzset()
    try:
        for moment in (1_774_746_000, 1_792_890_000, 1_800_000_000):  # two changes of DST, and one
            now = datetime.fromtimestamp(moment, UTC)
            assert str(mint_tag(now, UTC)) == now.strftime("%Y%m%d-%H%M%S")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_t14_a_configured_zone_is_used_and_read_back():
    now = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    tag = mint_tag(now, ZoneInfo("Asia/Seoul"))
    assert str(tag) == "20261124-083000"
    assert tag.moment.astimezone(UTC) == now


@pytest.mark.registry
async def test_t15_two_sources_in_one_second_are_a_conflict_for_the_second(bench: Bench):
    """An explicit tag is never minted anew."""
    tag = minted()
    first = await bench.publish(tag)
    with pytest.raises(TagConflict) as caught:
        await bench.publish(tag, fingerprint=digest_of(b"other"))
    assert caught.value.exit_class == 6
    assert bench.observer.digest(tag) == str(first.digest)
