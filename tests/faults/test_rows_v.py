"""Rows V: reading and verifying. Whatever the registry sends, nothing untrue is called verified."""

import asyncio
import contextlib
import json
import socket
import time
import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.adapters.transport import Deadlines
from ci.errors import (
    DigestMismatch,
    ManifestInvalid,
    ManifestTooLarge,
    ManifestUnsupported,
    PipelineError,
    RegistryThrottled,
    RegistryTimeout,
    RegistryUnavailable,
    State,
    TagConflict,
    TagMissing,
    TagsDisagree,
    TreeIncomplete,
    Truncated,
)
from ci.oci.digest import digest_of
from ci.oci.manifest import OCI_INDEX, Document, parse_document
from ci.oci.reference import Tag
from tests.contract.images import BOTH, release
from tests.faults.actions import (
    Action,
    altered,
    answer,
    endless,
    slow,
    stall,
    truncated,
    with_body,
    with_header,
)
from tests.faults.bench import SHORT, SOURCES, Bench, ShortClock, dialled, minted
from tests.faults.ghcr import TOO_MANY, refusal
from tests.faults.proxy import ALWAYS, FaultProxy

pytestmark = pytest.mark.registry
OTHER = f"sha256:{'0' * 64}"
UNKNOWN = answer(404, refusal("MANIFEST_UNKNOWN", "manifest unknown"))


@dataclass(frozen=True)
class Row:
    """What is sent instead of the truth, and what must come of it (None: verified all the same)."""

    method: str
    target: str
    action: Action
    error: type[PipelineError] | None
    times: float = ALWAYS


def passed_off(raw: bytes, media_type: str = OCI_INDEX) -> Action:
    """Other bytes with a header that fits them."""
    headers = {"Content-Type": media_type, "Docker-Content-Digest": str(digest_of(raw))}
    return altered(lambda _, __: (headers, raw))


def typed(raw: dict[str, object], media_type: str = OCI_INDEX) -> Action:
    return passed_off(json.dumps(raw).encode(), media_type)


BY_TAG, BY_DIGEST, BLOB = "/manifests/[0-9]", "/manifests/sha256:", "/blobs/sha256:"
ROWS = {
    "V1 body and header disagree": Row(
        "GET", BY_TAG, with_header("Docker-Content-Digest", OTHER), DigestMismatch
    ),
    "V2 no digest header": Row(
        "GET", "/manifests/", with_header("Docker-Content-Digest", ""), None
    ),
    "V3 other bytes by digest": Row("GET", BY_DIGEST, typed({"schemaVersion": 2}), DigestMismatch),
    "V3 other bytes by digest, once": Row("GET", BY_DIGEST, with_body(b"{}"), None, 1),
    "V3 another config": Row("GET", BLOB, with_body(b"{}"), DigestMismatch),
    "V4 truncated": Row("GET", BY_TAG, truncated(9), Truncated),
    "V4 truncated twice": Row("GET", "/manifests/", truncated(9), None, 2),
    "V4 a truncated config": Row("GET", BLOB, truncated(1), Truncated),
    "V5 endless manifest": Row("GET", BY_TAG, endless(OCI_INDEX), ManifestTooLarge),
    "V5 endless config": Row("GET", BLOB, endless("application/json"), ManifestTooLarge),
    "V5 endless list of tags": Row(
        "GET", "/tags/list", endless("application/json"), ManifestTooLarge
    ),
    "V8 latest is another": Row(
        "GET", "/manifests/latest", typed({"schemaVersion": 2}), TagsDisagree
    ),
    "V8 latest is missing": Row("GET", "/manifests/latest", UNKNOWN, TagsDisagree),
    "V10 the child is missing": Row("GET", BY_DIGEST, UNKNOWN, TreeIncomplete),
    "V11 the layer is missing": Row("HEAD", BLOB, answer(404), TreeIncomplete),
    "V16 schema 1": Row(
        "GET",
        BY_TAG,
        typed({"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        ManifestUnsupported,
    ),
    "V16 unknown media type": Row(
        "GET", BY_TAG, typed({"schemaVersion": 2}, "application/json"), ManifestUnsupported
    ),
    "V16 two media types at odds": Row(
        "GET",
        BY_TAG,
        typed({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}),
        ManifestUnsupported,
    ),
    "V17 a key twice": Row(
        "GET", BY_TAG, passed_off(b'{"schemaVersion":2,"schemaVersion":2}'), ManifestInvalid
    ),
    "V17 no number": Row("GET", BY_TAG, passed_off(b'{"size":NaN}'), ManifestInvalid),
    "V17 ten thousand deep": Row("GET", BY_TAG, passed_off(b"[" * 10_000), ManifestInvalid),
    "V17 not UTF-8": Row("GET", BY_TAG, passed_off(b'{"a":"\xff"}'), ManifestInvalid),
    "V19 HEAD says another size": Row(
        "HEAD", BLOB, with_header("content-length", "1"), TreeIncomplete
    ),
    "V20 server errors": Row("GET", BY_DIGEST, answer(503), RegistryUnavailable),
    "V20 server errors at the layers": Row("HEAD", BLOB, answer(500), RegistryUnavailable),
    "V20 server errors that pass": Row("GET", "/manifests/", answer(502), None, 4),
    "V20 throttled": Row("GET", BY_DIGEST, TOO_MANY.action, RegistryThrottled),
    "V20 no answer": Row("GET", BY_DIGEST, stall(), RegistryTimeout),
    "V20 an answer that stops": Row("GET", BY_DIGEST, stall(at=300), RegistryTimeout),
    "V20 an answer that drips": Row("GET", BY_DIGEST, slow(0.1, 1), RegistryTimeout),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_rows_of_one_registry_answer(bench: Bench, row: Row):
    tag = minted()
    digest = await bench.has(release(tag, str(SOURCES)), tag, "latest")
    before = bench.observer.tags()
    bench.on(row.method, row.target, row.action, times=row.times)
    if row.error is None:
        found = await bench.verify(tag)
        assert str(found.tree.digest) == bench.observer.digest(tag) == str(digest)
    else:
        deadlines = SHORT if row.error is RegistryTimeout else None
        with pytest.raises(PipelineError) as caught:
            await bench.verify(tag, deadlines=deadlines)
        assert caught.type is row.error
        assert caught.value.state is State.RO
        assert caught.value.remedy
        assert caught.value.exit_class in (5, 6)
    assert not bench.proxy.unused
    assert bench.observer.tags() == before


async def test_v3_a_wrong_body_by_digest_is_read_once_more_and_no_oftener(bench: Bench):
    tag = minted()
    parts = release(tag, str(SOURCES))
    await bench.has(parts, tag, "latest")
    child = str(parts.children[0].digest)
    bench.on("GET", child, typed({"schemaVersion": 2}), times=9)
    with pytest.raises(DigestMismatch):
        await bench.verify(tag)
    assert len(bench.proxy.seen("GET", child)) == 2


async def test_v5_an_endless_body_takes_no_memory_and_no_time(bench: Bench):
    tag = minted()
    bench.on("GET", BY_TAG, endless(OCI_INDEX))
    tracemalloc.start()
    try:
        with pytest.raises(ManifestTooLarge):
            await asyncio.wait_for(bench.verify(tag), 120)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * 1024 * 1024, "4 MiB, what a growing buffer adds, and the proxy"


async def test_v6_a_tag_that_shows_late_is_waited_for(bench: Bench):
    tag = minted()
    bench.on("GET", f"/manifests/{tag}", UNKNOWN, times=3, after_put=tag)
    done = await bench.publish(tag)
    assert bench.observer.tags() == dict.fromkeys((tag, "latest", "unverified"), str(done.digest))
    assert sum(bench.clock.waits) >= 4


async def test_v7_latest_that_still_shows_the_last_release_is_waited_for(bench: Bench):
    old, new = minted(90), minted(30)
    first = release(old, str(SOURCES))
    await bench.has(first, old, "latest")
    lag = passed_off(first.top.raw)
    bench.on("GET", "/manifests/latest", lag, times=3, after_put="latest")
    done = await bench.publish(new)
    assert bench.observer.digest("latest") == bench.observer.digest(new) == str(done.digest)
    assert sum(bench.clock.waits) >= 4


async def test_v9_flapping_reads_are_not_believed_until_two_agree(bench: Bench):
    tag = minted()
    for nth in (2, 4):
        bench.on("GET", f"/manifests/{tag}", UNKNOWN, nth=nth, after_put=tag)
    await bench.publish(tag)
    requests = [(each.method, each.status) for each in bench.proxy.seen("[A-Z]+", tag)]
    since = requests[requests.index(("PUT", 201)) + 1 :]
    assert [status for _, status in since][:6] == [200, 404, 200, 404, 200, 200]
    assert sum(bench.clock.waits) >= 4


async def test_v9_a_tag_that_changes_between_two_reads_is_not_verified(bench: Bench):
    tag = minted()
    await bench.has(release(tag, str(SOURCES)), tag, "latest")
    bench.on("GET", f"/manifests/{tag}", typed({"schemaVersion": 2}), nth=2)
    with pytest.raises(TagConflict):
        await bench.verify(tag)


async def test_v18_one_accept_line_has_all_four_types_and_the_registry_needs_it(bench: Bench):
    tag = minted()
    await bench.has(release(tag, str(SOURCES)), tag, "latest")
    await bench.verify(tag)
    accepts = {each.headers.get("accept", "") for each in bench.proxy.seen("GET", "/manifests/")}
    (line,) = accepts
    kinds = ("oci.image.index", "oci.image.manifest", "manifest.list.v2", "manifest.v2")
    assert all(kind in line for kind in kinds)
    assert len(line.split(",")) == 4


async def test_v19_manifests_are_never_asked_for_with_head(bench: Bench):
    tag = minted()
    await bench.has(release(tag, str(SOURCES)), tag, "latest")
    await bench.verify(tag)
    assert bench.proxy.seen("HEAD", "/manifests/") == []
    assert len(bench.proxy.seen("HEAD", "/blobs/")) == len(BOTH)


async def test_v20_a_registry_that_is_not_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"localhost:{closed.getsockname()[1]}"
    async with dialled(f"{address}/acme/observer", "", None, ShortClock()) as registry:
        with pytest.raises(RegistryUnavailable) as caught:
            await registry.manifest(Tag("latest"))
    assert "5 tries" in caught.value.cause


async def test_v20_a_connection_that_is_never_accepted_times_out(bench: Bench):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, contextlib.ExitStack() as held:
        address = deaf.getsockname()
        for _ in range(3):  # the queue is full, and the next is not answered
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        bench.proxy = FaultProxy(bench.target)
        bench.proxy.port = address[1]
        deadlines = Deadlines(connect_s=0.3, no_progress_s=30, total_s=60)
        with pytest.raises(RegistryTimeout):
            await asyncio.wait_for(bench.verify(minted(), deadlines=deadlines), 60)


async def test_v20_a_missing_tag_is_not_an_outage(bench: Bench):
    with pytest.raises(TagMissing) as caught:
        await bench.verify(minted())
    assert caught.value.exit_class == 6
    assert bench.observer.tags() == {}


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_v17_any_bytes_are_read_or_refused_quickly(raw: bytes):
    begun = time.thread_time()
    try:
        parse_document(Document(raw, OCI_INDEX))
    except (ManifestInvalid, ManifestUnsupported, ManifestTooLarge) as error:
        assert error.remedy
        assert error.cause.isascii()
    assert time.thread_time() - begun < 0.1


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=30,
    )
)
def test_v17_any_json_is_read_or_refused(value: object):
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": value}
    try:
        parsed = parse_document(Document(json.dumps(document).encode(), OCI_INDEX))
    except (ManifestInvalid, ManifestUnsupported) as error:
        assert error.remedy
    else:
        assert parsed.manifests == ()
