"""A thousand releases: each tag is asked once, what they share once, and only so many at a time."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from ci.decisions.tags import LATEST
from ci.errors import RegistryTimeout
from ci.survey import RELEASES_AT_ONCE, survey_registry
from ci.together import together
from tests.audit.story import tag
from tests.contract.images import release
from tests.contract.simulator import RegistrySimulator, Store

MANY = 1000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def names(count=MANY):
    return [(FIRST + timedelta(hours=at)).strftime("%Y%m%d-%H%M%S") for at in range(count)]


async def test_a_thousand_tags_that_share_a_tree_cost_one_request_each():
    store, asked, under_way = Store(), [], []
    parts = release("20260101-000000", "sha256:0")
    digest = store.put(parts)
    store.tags = dict.fromkeys([*names(), "latest"], digest)
    at_once = 0

    async def gate(point):
        nonlocal at_once
        asked.append(point)
        under_way.append(point)
        at_once = max(at_once, len(under_way))
        await anyio.lowlevel.checkpoint()
        under_way.remove(point)

    registry = RegistrySimulator(store, gate=gate)
    seen, gaps = await survey_registry(registry, None, UTC)
    assert (len(seen.releases), gaps) == (MANY, [])
    assert all(each.is_whole for each in seen.releases)
    # Every tag and `latest`; the clock and the list; two platforms' manifest, config and layer.
    assert len(asked) == MANY + 1 + 2 + 2 * 3
    assert at_once <= RELEASES_AT_ONCE + 2


async def test_one_release_that_cannot_be_read_now_is_a_gap_and_the_others_are_read():
    store = Store()
    store.tags = dict.fromkeys(names(5), store.put(release("20260101-000000", "sha256:0")))

    async def gate(point):
        if point == f"manifest {names(5)[2]}":
            raise RegistryTimeout("no answer in time", remedy="try again")

    seen, gaps = await survey_registry(RegistrySimulator(store, gate=gate), None, UTC)
    assert [str(each.tag) for each in seen.releases] == [*names(5)[:2], *names(5)[3:]]
    (gap,) = gaps
    assert names(5)[2] in gap.what
    assert "RegistryTimeout" in gap.why


@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.usefixtures("connection")
async def test_the_tags_of_a_real_registry_are_all_audited(project):
    """`AUDIT_TAGS=1000 pytest -s` prints how long so many take."""
    count = int(os.environ.get("AUDIT_TAGS", "200"))
    parts = release("20260101-000000", "sha256:0")
    await project.remote.put(parts)
    async with project.remote.open() as registry:
        tags = [LATEST, *(tag(name).tag for name in names(count))]
        await together(
            [partial(registry.push_manifest, each, parts.top) for each in tags], at_once=8
        )
    begun = time.monotonic()
    folder = await project.ci().audit()
    document = json.loads(await folder.file("report.json").contents())
    print(f"{count} tags were audited in {time.monotonic() - begun:.1f} s")
    assert len(document["registry"]["releases"]) == count
    # All but the first are called by another tag's label, and nothing publishes them.
    assert document["counts"] == {"error": 1, "warning": 1, "note": 0}
