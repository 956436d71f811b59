"""Rows P: publishing. What was not put is not claimed, what was put is found again."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.decisions.publication import Step
from ci.errors import (
    DigestMismatch,
    ManifestTooLarge,
    NotARegistry,
    PipelineError,
    RegistryThrottled,
    RegistryTimeout,
    RegistryUnavailable,
    State,
    TagConflict,
)
from ci.oci.digest import digest_of
from ci.oci.manifest import OCI_INDEX, Document
from ci.oci.reference import Tag
from ci.ports import Registry
from tests.contract.images import release
from tests.faults.actions import (
    Action,
    and_then,
    answer,
    html,
    reset_request,
    reset_response,
    silent,
    stall,
    truncated,
    with_header,
)
from tests.faults.basic import OWNER, basic_registry
from tests.faults.bench import SHORT, SOURCES, Bench, ShortClock, dialled, minted
from tests.faults.ghcr import SECONDARY_LIMIT, TOO_MANY, refusal
from tests.faults.proxy import ALWAYS

pytestmark = pytest.mark.registry
OTHER = f"sha256:{'0' * 64}"
FULL = refusal("UNKNOWN", "write /var/lib/registry: no space left on device")
LACKS = refusal("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
TAG, LATEST = "/manifests/[0-9]", "/manifests/latest"


@dataclass(frozen=True)
class Row:
    """A fault at one of our writes. `error` None: published all the same, exactly once."""

    target: str
    action: Action
    error: type[PipelineError] | None = None
    state: State | None = None
    times: float = 1
    method: str = "PUT"


ROWS = {
    "P2 500": Row(TAG, answer(500), times=4),
    "P2 502": Row(TAG, answer(502), times=2),
    "P2 503": Row(LATEST, answer(503), times=4),
    "P2 504": Row(LATEST, answer(504)),
    "P2 503 for ever": Row(TAG, answer(503), RegistryUnavailable, State.S6, ALWAYS),
    "P3 429 with seconds": Row(TAG, answer(429, headers={"Retry-After": "7"})),
    "P3 429 with a Go duration": Row(TAG, TOO_MANY.action, times=3),
    "P3 429 with an hour": Row(
        TAG, answer(429, headers={"Retry-After": "3600"}), RegistryThrottled, State.S6
    ),
    "P3 a secondary limit for ever": Row(
        LATEST, SECONDARY_LIMIT.action, RegistryThrottled, State.S2, ALWAYS
    ),
    "P4 hangs": Row(TAG, silent(), RegistryTimeout, State.S6, ALWAYS),
    "P4 hangs after the fact": Row(LATEST, stall(), RegistryTimeout, State.S2, ALWAYS),
    "P5 another digest at the tag": Row(
        TAG, with_header("Docker-Content-Digest", OTHER), DigestMismatch, State.S6
    ),
    "P5 another digest at latest": Row(
        LATEST, with_header("Docker-Content-Digest", OTHER), DigestMismatch, State.S2
    ),
    "P6 the tag's 201 is lost": Row(TAG, reset_response()),
    "P6 half of the tag's 201": Row(TAG, reset_response(30)),
    "P6 latest's 201 is lost, thrice": Row(LATEST, reset_response(), times=3),
    "P6 the request is lost": Row(TAG, reset_request(500)),
    "P7 a part is not there yet": Row(TAG, answer(400, LACKS), times=2),
    "P11 latest cannot be put": Row(LATEST, answer(503), RegistryUnavailable, State.S2, ALWAYS),
    "P16 the disk is full": Row(TAG, answer(507, FULL), RegistryUnavailable, State.S6, ALWAYS),
    "P16 full at the probe": Row(
        "/uploads/", answer(500, FULL), RegistryUnavailable, State.S1, ALWAYS, "POST"
    ),
    "P18 HTML for the PUT": Row(TAG, html(), NotARegistry, State.S6),
    "P18 HTML for latest": Row(LATEST, html(), NotARegistry, State.S2),
    "P18 HTML for the probe": Row("/uploads/", html(), NotARegistry, State.S1, method="POST"),
    "P18 HTML for a manifest": Row(TAG, html(), NotARegistry, State.S1, method="GET"),
    "P18 HTML for the tags": Row("/tags/list", html(), NotARegistry, State.S2, method="GET"),
    "P18 HTML 404 for a manifest": Row(
        TAG,
        answer(404, "<html>", headers={"Content-Type": "text/html"}),
        NotARegistry,
        State.S1,
        method="GET",
    ),
    "a 201 cut short": Row(TAG, truncated(5)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_rows_of_one_write(bench: Bench, row: Row):
    tag = minted()
    bench.on(row.method, row.target, row.action, times=row.times)
    if row.error is None:
        done = await bench.publish(tag)
        assert not bench.proxy.unused
        digest = str(done.digest)
    else:
        with pytest.raises(PipelineError) as caught:
            await bench.publish(tag, deadlines=SHORT if row.error is RegistryTimeout else None)
        assert (caught.type, caught.value.state) == (row.error, row.state)
        assert caught.value.remedy
        assert_claim_holds(bench, tag, row.state)
        assert not bench.proxy.unused
        bench.proxy.clear()
        digest = str((await bench.publish(tag)).digest)
    assert bench.observer.tags() == dict.fromkeys((tag, "latest", "unverified"), digest)
    assert bench.observer.holds_tree(tag)
    assert bench.builds == 1, "what was pushed is not built again"


def assert_claim_holds(bench: Bench, tag: str, state: State) -> None:
    """Hold what the error says is true against what the registry has."""
    held = bench.observer.tags()
    if state is State.S1:
        assert tag not in held
    if state is State.S2:
        assert bench.observer.holds_tree(tag)
    assert held.get("latest") in (None, held.get(tag))


async def test_p3_what_is_asked_for_is_waited(bench: Bench):
    bench.on("PUT", TAG, answer(429, headers={"Retry-After": "7"}))
    await bench.publish(minted())
    assert 7.0 in bench.clock.waits
    assert any("asking again in 7.0 s" in line for line in bench.progress.lines)


async def test_p5_latest_is_untouched_by_a_tag_that_went_wrong(bench: Bench):
    bench.on("PUT", TAG, with_header("Docker-Content-Digest", OTHER))
    with pytest.raises(DigestMismatch):
        await bench.publish(minted())
    assert "latest" not in bench.observer.tags()


async def test_p8_the_same_release_again_changes_nothing(bench: Bench):
    tag = minted()
    first = await bench.publish(tag)
    before = bench.observer.tags()
    puts = len(bench.proxy.seen("PUT"))
    again = await bench.publish(tag, salt="another machine")
    assert (again.step, again.digest, bench.builds) == (Step.CONFIRM, first.digest, 1)
    assert bench.observer.tags() == before
    assert len(bench.proxy.seen("PUT")) == puts


async def test_p9_other_sources_under_the_tag_are_refused_before_the_build(bench: Bench):
    tag = minted()
    await bench.publish(tag)
    before = bench.observer.tags()
    with pytest.raises(TagConflict) as caught:
        await bench.publish(tag, fingerprint=digest_of(b"other sources"))
    assert (caught.value.state, caught.value.exit_class) == (State.S1, 6)
    assert (bench.builds, bench.observer.tags()) == (1, before)


async def test_p10_another_writer_after_our_check_is_found_out(bench: Bench):
    tag = minted()
    foreign = release(tag, str(digest_of(b"other sources")), "foreign")
    await bench.has(foreign)
    bench.on(
        "PUT", TAG, and_then(lambda: asyncio.run(bench.past_proxy.put_again(foreign.top, tag)))
    )
    with pytest.raises(TagConflict) as caught:
        await bench.publish(tag)
    assert str(caught.value.state) == "the tag was put, and holds another release since"
    assert str(foreign.top.digest) in caught.value.cause
    held = bench.observer.tags()
    assert held[tag] == str(foreign.top.digest)
    assert "latest" not in held


async def test_p10_another_machine_that_puts_the_same_release_after_our_check_is_joined(
    bench: Bench,
):
    tag = minted()
    other = release(tag, str(SOURCES), "another machine")
    await bench.has(other)
    bench.on("PUT", TAG, and_then(lambda: asyncio.run(bench.past_proxy.put_again(other.top, tag))))
    done = await bench.publish(tag)
    assert done.digest == other.top.digest
    assert bench.observer.digest(tag) == str(other.top.digest)
    assert bench.observer.digest("latest") == str(other.top.digest)


async def test_p11_the_next_run_puts_the_same_bytes_under_latest_and_nothing_else(bench: Bench):
    tag = minted()
    bench.on("PUT", LATEST, answer(503), times=ALWAYS)
    with pytest.raises(RegistryUnavailable):
        await bench.publish(tag)
    bench.proxy.clear()
    done = await bench.publish(tag)
    assert (done.step, bench.builds) == (Step.CONFIRM, 1)
    assert bench.observer.digest("latest") == bench.observer.digest(tag)
    assert [put.target for put in bench.proxy.seen("PUT")] == [f"/v2/{bench.path}{LATEST}"]


async def test_p12_an_older_release_leaves_latest_alone(bench: Bench):
    old, new = minted(90), minted(30)
    newer = await bench.publish(new)
    older = await bench.publish(old)
    assert str(older.latest) == new
    held = bench.observer.tags()
    assert (held["latest"], held[old]) == (str(newer.digest), str(older.digest))
    assert len(bench.proxy.seen("PUT", LATEST)) == 1, "latest never pointed at the older one"


async def test_p14_a_manifest_that_is_too_large_is_not_sent(bench: Bench):
    huge = Document(b" " * (4 * 1024 * 1024 + 1), OCI_INDEX)
    async with bench.open() as registry:
        with pytest.raises(ManifestTooLarge):
            await registry.push_manifest(Tag("huge"), huge)
    assert bench.proxy.log == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_p16_a_registry_whose_disk_is_really_full(tmp_path: Path):
    async def fill(registry: Registry) -> None:
        for number in range(40):
            value = {"schemaVersion": 2, "manifests": [], "annotations": {"n": f"{number}" * 4000}}
            document = Document(json.dumps(value).encode(), OCI_INDEX)
            await registry.push_manifest(Tag(f"t{number}"), document)

    with basic_registry(tmp_path, disk="128k") as address:
        async with dialled(f"{address}/acme/observer", "", OWNER, ShortClock()) as registry:
            with pytest.raises(RegistryUnavailable) as caught:
                await fill(registry)
    assert "500" in caught.value.cause
    assert "run the same again" in caught.value.remedy


async def test_p16_the_registrys_words_are_shown_short_and_escaped(bench: Bench):
    bench.on("PUT", TAG, answer(507, "no space\n::error::\x1b[2J" + "x" * 999), times=ALWAYS)
    with pytest.raises(RegistryUnavailable) as caught:
        await bench.publish(minted())
    assert "no space" in caught.value.cause
    assert "::error" not in str(caught.value)
    assert caught.value.cause.isprintable()
    assert len(caught.value.cause) < 400


@pytest.mark.parametrize("request_number", [3, 6, 9, 13, 16, 18, 20])
def test_p17_a_run_killed_at_any_request_is_finished_by_the_next(bench: Bench, request_number: int):
    """SIGKILL of a real process, at requests spread over its whole run."""
    tag = minted()
    arguments = (bench.proxy.address, bench.target, bench.path, tag)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.publish_once", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    bench.on("[A-Z]+", "", and_then(process.kill), nth=request_number)
    said, _ = process.communicate(json.dumps([bench.owner.user, bench.owner.password]).encode())
    assert process.returncode == -9, said.decode()
    held = bench.observer.tags()
    assert all(bench.observer.holds_tree(name) for name in held), "no tag leads to nothing"
    done = asyncio.run(bench.publish(tag))
    after = bench.observer.tags()
    assert after == dict.fromkeys((tag, "latest", "unverified"), str(done.digest))
    assert bench.builds == (0 if "unverified" in held else 1)
