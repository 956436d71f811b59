"""Scripted sequences of faults: whoever runs the same again ends where an untroubled run ends."""

import random
import secrets
from dataclasses import replace

import pytest

from ci.errors import PipelineError
from tests.contract.images import BOTH, release
from tests.faults.actions import (
    Action,
    answer,
    html,
    reset_request,
    reset_response,
    truncated,
)
from tests.faults.bench import SOURCES, Bench, ShortClock, minted

pytestmark = pytest.mark.registry
BATCHES, BATCH = 8, 25
RUNS = 12
REQUESTS = (
    ("GET", "/manifests/[0-9]"),
    ("GET", "/manifests/latest"),
    ("GET", "/manifests/unverified"),
    ("GET", "/manifests/sha256"),
    ("GET", "/blobs/sha256"),
    ("HEAD", "/blobs/sha256"),
    ("GET", "/tags/list"),
    ("POST", "/blobs/uploads"),
    ("PUT", "/manifests/[0-9]"),
    ("PUT", "/manifests/latest"),
)


def some_fault(dice: random.Random) -> Action:
    """One that a registry, a proxy or a link has, and that passes."""
    at = dice.choice([1, 40, 400])
    return dice.choice(
        [
            answer(dice.choice([500, 502, 503, 504]), "not now"),
            answer(429, "slow down", headers={"Retry-After": str(dice.randrange(4))}),
            html(),
            reset_request(at),
            reset_response(dice.choice([0, at])),
            truncated(dice.randrange(1, 30)),
        ]
    )


def script(bench: Bench, dice: random.Random) -> None:
    """Between one and eight faults, each for one to six calls of some request."""
    for _ in range(dice.randrange(1, 9)):
        nth, times = dice.randrange(1, 4), dice.randrange(1, 7)
        bench.on(*dice.choice(REQUESTS), some_fault(dice), nth=nth, times=times)


async def publish_until_done(bench: Bench, tag: str) -> int:
    """Run the same again while it fails; how many runs it took."""
    for run in range(1, RUNS):
        try:
            done = await bench.publish(tag)
        except PipelineError as error:
            assert error.code
            assert error.remedy
            continue
        # No success without evidence, whatever was on the way.
        assert bench.observer.digest(tag) == str(done.digest)
        return run
    bench.proxy.clear()
    await bench.publish(tag)
    return RUNS


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_p11_two_hundred_sequences_of_faults_end_where_none_does(
    bench: Bench, batch: int, record_property
):
    dice = random.Random(batch)
    runs, tag = [], minted()
    untroubled = str(release(tag, str(SOURCES), platforms=BOTH).top.digest)
    for _ in range(BATCH):
        path = f"acme/sequence-{secrets.token_hex(4)}"
        one = replace(bench, path=path, builds=0, clock=ShortClock())
        script(one, dice)
        runs.append(await publish_until_done(one, tag))
        assert one.observer.tags() == dict.fromkeys((tag, "latest", "unverified"), untroubled)
        assert one.observer.holds_tree(tag)
        one.proxy.clear()
    again = sum(1 for each in runs if each > 1)
    record_property(
        "measured", f"{BATCH} sequences, {again} needed another run, {max(runs)} at most"
    )
