"""How often a registry is asked: what a run needs to know, once, and all of it side by side."""

from functools import partial

import anyio
import pytest

from ci.adapters.transport import AT_ONCE, Deadlines
from ci.errors import PermissionMissing
from ci.oci.reference import Tag
from ci.together import together
from tests.contract.images import release
from tests.faults.bench import SOURCES, Bench, minted
from tests.faults.proxy import Call

pytestmark = pytest.mark.registry


async def released(bench: Bench) -> str:
    tag = minted()
    await bench.has(release(tag, str(SOURCES)), tag, "latest", "unverified")
    return tag


def refusals(bench: Bench) -> list[str]:
    return [each.target for each in bench.proxy.log if each.status == 401]


async def test_a_verification_answers_one_challenge_for_all_its_questions(bench: Bench):
    tag = await released(bench)
    await bench.verify(tag)
    # The clock is asked without a token; one question goes ahead, and the rest waits for it.
    assert len(refusals(bench)) == 2
    # The clock, the challenge, the tag twice, latest, the tags; two manifests, configs and layers.
    assert len(bench.proxy.log) == 12


async def test_publishing_again_answers_one_challenge_and_writes_nothing(bench: Bench):
    tag = await released(bench)
    await bench.publish(tag)
    assert (bench.builds, bench.proxy.seen("PUT")) == (0, [])
    # To cancel the probe's upload is another right, which this registry's token does not have.
    assert len(bench.proxy.seen("DELETE")) == 1
    assert len([each for each in refusals(bench) if each != "/v2/"]) == 2


async def test_who_may_not_push_is_not_asked_again_for_another_token(bench: Bench):
    tag = await released(bench)
    with pytest.raises(PermissionMissing):
        await bench.publish(tag, who=bench.reader)
    assert len(bench.proxy.seen("POST")) <= 2


async def test_a_registry_is_asked_so_much_at_once_and_a_question_in_the_queue_is_not_late(
    bench: Bench,
):
    tag = await released(bench)
    flying, most = 0, 0

    async def slowly(call: Call) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await anyio.sleep(0.5)
        flying -= 1
        await call.pass_on()

    bench.proxy.always("GET", "/manifests/", slowly)
    hurried = Deadlines(connect_s=1, no_progress_s=1, total_s=1.5)
    async with bench.open(deadlines=hurried) as registry:
        asks = [partial(registry.manifest, Tag(tag))] * (AT_ONCE * 4)
        found = await together(asks, at_once=len(asks))
    assert all(found)
    assert most == AT_ONCE
