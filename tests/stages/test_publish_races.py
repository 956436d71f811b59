"""Two publishers at once on a real registry: latest ends newest, and nobody is told a lie."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ci.adapters.clock import SystemClock
from ci.decisions.tags import mint_tag
from ci.oci.digest import digest_of
from ci.oci.platform import parse_platform
from ci.oci.reference import Tag, parse_repository
from ci.publish import Publisher, Release
from tests.contract.images import BOTH, release
from tests.contract.kits import Quiet

RACES = 6
PLATFORMS = tuple(map(parse_platform, BOTH))
pytestmark = pytest.mark.registry


async def publish(kit, tag, fingerprint, delay_s, salt=""):
    """Publish as a machine of its own, with an engine that pushes `unverified` like all others."""
    await asyncio.sleep(delay_s)

    async def make():
        parts = release(str(tag), str(fingerprint), salt)
        await kit.put(parts)
        await kit.put_again(parts.top, "unverified")
        return parts.top.digest

    async with kit.open() as registry:
        wanted = Release(tag, fingerprint, PLATFORMS, UTC)
        return await Publisher(wanted, registry, SystemClock(), Quiet()).publish(make)


async def race(kit, number):
    name = f"{kit.repository}-{secrets.token_hex(4)}"
    kit = replace(kit, repository=parse_repository(name))
    now = datetime.now(UTC) - timedelta(minutes=5)
    older, newer = mint_tag(now, UTC), mint_tag(now + timedelta(seconds=1), UTC)
    sources = digest_of(name.encode())
    # The newer one first, together, or last, in fine steps around the moments that matter.
    delay_s = (number - RACES / 2) * 0.15
    outcomes = await asyncio.gather(
        publish(kit, older, sources, max(0.0, delay_s)),
        publish(kit, newer, sources, max(0.0, -delay_s)),
    )
    async with kit.open() as registry:
        for tag, done in zip((older, newer), outcomes, strict=True):
            assert (await registry.manifest(tag.tag)).digest == done.digest
        assert (await registry.manifest(Tag("latest"))).digest == outcomes[1].digest
    return outcomes[0].digest != outcomes[1].digest


@pytest.mark.parametrize("kit", ["real"], indirect=True)
async def test_races_end_with_the_newest_tag_as_latest(kit):
    assert all(await asyncio.gather(*(race(kit, number) for number in range(RACES))))


async def race_of_one(kit, number):
    """Two machines publish one release, each with other bytes; they start ever closer."""
    name = f"{kit.repository}-{secrets.token_hex(4)}"
    kit = replace(kit, repository=parse_repository(name))
    tag = mint_tag(datetime.now(UTC) - timedelta(minutes=5), UTC)
    sources = digest_of(name.encode())
    outcomes = await asyncio.gather(
        publish(kit, tag, sources, 0.0, "one"),
        publish(kit, tag, sources, number * 0.03, "other"),
    )
    async with kit.open() as registry:
        held = (await registry.manifest(tag.tag)).digest
        assert [done.digest for done in outcomes] == [held, held]
        assert (await registry.manifest(Tag("latest"))).digest == held


@pytest.mark.parametrize("kit", ["real"], indirect=True)
async def test_races_of_one_release_end_with_both_told_what_the_tag_holds(kit):
    await asyncio.gather(*(race_of_one(kit, number) for number in range(RACES)))
