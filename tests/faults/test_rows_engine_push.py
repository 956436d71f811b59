"""Rows P and A that are the engine's: what it pushes through faults is what it pushes without."""

import json
import os
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import dagger
import pytest
from dagger import dag

from ci.access import Access
from ci.embedded.push import push_blob
from ci.embedded.reference import Repository
from ci.embedded.registry import Registries
from ci.embedded.server import session
from ci.embedded.store import Store
from ci.errors import (
    ChallengeInvalid,
    ChallengeUnsafe,
    LayerTooLarge,
    PipelineError,
    PushFailed,
    RegistryUnavailable,
    TokenRejected,
)
from ci.push import push_images
from tests.faults.actions import (
    Action,
    answer,
    html,
    reset_request,
    reset_response,
    silent,
    stall,
)
from tests.faults.bench import SHORT, Bench
from tests.faults.ghcr import TOO_MANY, UNKNOWN_BLOB, refusal
from tests.faults.proxy import ALWAYS
from tests.faults.sockets import connections

pytestmark = [pytest.mark.registry, pytest.mark.engine]
PLATFORMS = ("linux/amd64", "linux/arm64")
# Text that gzip does not make small, and that is the same in every test.
CONTENT = "".join(f"{(n * 7919) % 104729:05x}" for n in range(60_000))
EXPIRED = refusal("UNAUTHORIZED", "authentication required")
LACKS = refusal("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")


def images() -> list[dagger.Container]:
    """The same image for two platforms, from nothing."""
    return [
        dag.container(platform=dagger.Platform(platform))
        .with_new_file("/content", CONTENT + platform)
        .with_entrypoint(["/content"])
        for platform in PLATFORMS
    ]


async def push(bench: Bench) -> str:
    """Push as the pipeline does; the digest."""
    token = dag.set_secret(f"token-{bench.path}", bench.owner.password)
    access = Access(bench.repository, bench.owner.user, token, None, "", bench.owner.password)
    async with bench.open(deadlines=SHORT) as registry:
        return str(await push_images(images(), access, registry))


@dataclass(frozen=True)
class Row:
    """A fault while the engine pushes; `error` None: it ends as if there had been none."""

    method: str
    target: str
    action: Action
    times: float = 1
    nth: int = 1
    error: type[PipelineError] | None = None


UPLOAD, CHILD, TOP = "/blobs/uploads/", "/manifests/sha256:", "/manifests/unverified"
PUT_AT = (1, 200, 420, 700, 2_000, 20_000, 60_000, 130_000)
ROWS = {
    **{f"P1 reset at byte {at} of a blob": Row("PUT", UPLOAD, reset_request(at)) for at in PUT_AT},
    "P1 the blob's 201 is lost": Row("PUT", UPLOAD, reset_response()),
    "P1 half of the 202": Row("POST", UPLOAD, reset_response(40)),
    "P1 reset at a manifest": Row("PUT", CHILD, reset_request(300)),
    "P1 reset at HEAD": Row("HEAD", "/blobs/", reset_response()),
    "P2 500 on POST": Row("POST", UPLOAD, answer(500), times=2),
    "P2 502 on PUT": Row("PUT", UPLOAD, answer(502), times=2),
    "P2 503 on a manifest": Row("PUT", CHILD, answer(503)),
    "P2 504 on the index": Row("PUT", TOP, answer(504)),
    "P3 a Go duration": Row("POST", UPLOAD, TOO_MANY.action, times=2),
    "P6 the index's 201 is lost": Row("PUT", TOP, reset_response()),
    "P7 unknown blob at the upload's end": Row("PUT", UPLOAD, UNKNOWN_BLOB.action),
    "P7 unknown blob at a manifest": Row("PUT", CHILD, answer(400, LACKS)),
    "P7 unknown manifest at the index": Row("PUT", TOP, answer(404, LACKS)),
    "P2 503 for ever": Row("PUT", TOP, answer(503), 99, error=PushFailed),
    "P2 503 for ever, at the probe too": Row(
        "POST", UPLOAD, answer(503), 999, error=RegistryUnavailable
    ),
}


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    """The digest that a push without faults gives; filled by the first."""
    return {}


@pytest.fixture
async def expected(connected: None, bench: Bench, truth: dict[str, str]) -> str:
    if not truth:
        path, bench.path = bench.path, f"{bench.path}-truth"
        truth["digest"] = await push(bench)
        assert bench.observer.holds_tree("unverified")
        bench.path = path
        bench.proxy.clear()
    return truth["digest"]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_rows_of_one_push(bench: Bench, expected: str, row: Row):
    bench.on(row.method, row.target, row.action, times=row.times, nth=row.nth)
    if row.error is None:
        assert await push(bench) == expected
        assert not bench.proxy.unused
        assert bench.observer.tags() == {"unverified": expected}
        assert bench.observer.holds_tree("unverified")
        return
    with pytest.raises(PipelineError) as caught:
        await push(bench)
    assert not bench.proxy.unused
    assert caught.type is row.error
    assert bench.observer.tags() == {}


@pytest.mark.parametrize("form", ["seconds", "date", "duration"])
async def test_p3_the_engine_waits_as_long_as_it_is_told(bench: Bench, expected: str, form: str):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    body = refusal("TOOMANYREQUESTS", "retry-after: 1.6s, allowed: 2000/minute")
    told = {
        "seconds": answer(429, headers={"Retry-After": "2"}),
        "date": answer(429, headers={"Retry-After": soon}),
        "duration": answer(429, body),
    }
    bench.on("PUT", TOP, told[form])
    begun = time.monotonic()
    assert await push(bench) == expected
    assert time.monotonic() - begun >= 1.5


async def test_p1_a_blob_that_is_there_is_not_sent_again(bench: Bench, expected: str):
    bench.on("PUT", TOP, answer(400, refusal("MANIFEST_INVALID", "no")), times=9)
    with pytest.raises(PipelineError):
        await push(bench)
    sent = len(bench.proxy.seen("PUT", UPLOAD))
    bench.proxy.clear()
    assert await push(bench) == expected
    assert sent == 4
    assert bench.proxy.seen("PUT", UPLOAD) == []


@pytest.mark.parametrize("nth", [2, 5, 9])
async def test_a12_a_token_that_expires_on_the_way_is_renewed(
    bench: Bench, expected: str, nth: int
):
    realm = await bench.challenge()
    expired = answer(401, EXPIRED, headers={"WWW-Authenticate": f'{realm},error="invalid_token"'})
    bench.on("[A-Z]+", "^/v2/", expired, nth=nth)
    assert await push(bench) == expected
    assert bench.observer.holds_tree("unverified")


async def test_a12_a_token_that_no_renewal_helps_is_called_rejected(bench: Bench, expected: str):
    realm = await bench.challenge()
    expired = answer(401, EXPIRED, headers={"WWW-Authenticate": f'{realm},error="invalid_token"'})
    bench.on("[A-Z]+", "^/v2/", expired, times=999)
    with pytest.raises(TokenRejected):
        await push(bench)
    assert bench.observer.tags() == {}
    assert len(bench.proxy.log) < 60, "nothing is renewed for ever"


async def sent_to(bench: Bench, realm: str) -> None:
    """Have the registry ask for a login at `realm`, of the engine and of everybody else."""
    told = {"WWW-Authenticate": f'Bearer realm="{realm}",service="registry"'}
    bench.proxy.always("[A-Z]+", "^/v2/", answer(401, EXPIRED, headers=told))


async def test_a14_the_engine_sends_a_login_to_the_registrys_own_host_alone(
    bench: Bench, expected: str
):
    await sent_to(bench, "https://elsewhere.example/token")
    with connections() as seen, pytest.raises(ChallengeUnsafe):
        await push(bench)
    assert not any("elsewhere" in str(place) for place in seen), "not even looked up"
    assert bench.observer.tags() == {}


@pytest.mark.parametrize("token", [html(), answer(200, "[]"), answer(200, '{"token": 7}')])
async def test_a16_the_engine_takes_only_a_token_for_one(
    bench: Bench, expected: str, token: Action
):
    await sent_to(bench, f"http://{bench.proxy.address}/token")
    bench.proxy.always("GET", "^/token", token)
    with pytest.raises(ChallengeInvalid):
        await push(bench)
    assert len(bench.proxy.seen("GET", "^/token")) >= 2, "the engine's, and ours to find out why"


async def test_a18_the_engine_uses_the_credentials_it_is_given(
    bench: Bench, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    auths = {bench.proxy.address: {"auth": "d3Jvbmc6d3Jvbmc="}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    for name in ("HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path))
    assert await push(bench) == expected


HANGS = {
    "at the upload's end": ("PUT", UPLOAD),
    "at its beginning": ("POST", UPLOAD),
    "at the question whether it is there": ("HEAD", "/blobs/"),
}


@pytest.mark.parametrize(("method", "path"), HANGS.values(), ids=HANGS.keys())
@pytest.mark.parametrize("action", [silent(), stall()], ids=["before", "after the fact"])
async def test_p4_a_registry_that_hangs_once_is_asked_again(
    bench: Bench, tmp_path: Path, method: str, path: str, action: Action
):
    store, raw = Store(tmp_path), CONTENT.encode()
    digest = store.put_bytes(raw)
    login = (bench.owner.user, bench.owner.password)
    registries = Registries(store, lambda _: login, _no_mirrors, no_progress_s=0.5)
    bench.on(method, path, action)
    try:
        repository = Repository(bench.proxy.address, bench.path)
        await push_blob(registries, repository, f"sha256:{digest}", len(raw), None)
    finally:
        await registries.close()
        store.close()
    assert not bench.proxy.unused
    assert bench.observer.get(f"blobs/sha256:{digest}") == (200, raw)


async def _no_mirrors() -> list[str]:
    return []


async def test_p15_a_layer_over_the_registrys_limit_is_refused_before_a_byte_is_sent(
    bench: Bench, docker_host: str, tmp_path: Path
):
    """A real push of a real layer; the limit is smaller than GitHub's, so the layer may be too."""
    limit = 100_000
    assert len(zlib.compress(CONTENT.encode())) > limit
    limits = {"CI_EMBEDDED_LAYER_LIMITS": f"{bench.proxy.address}={limit}"}
    with session({**os.environ, "CI_EMBEDDED_STATE": str(tmp_path / "state"), **limits}):
        async with dagger.connection(dagger.Config(log_output=None)):
            with pytest.raises(LayerTooLarge) as caught:
                await push(bench)
    assert f"{bench.proxy.address} takes {limit} a layer" in caught.value.cause
    assert bench.owner.password not in str(caught.value)
    assert caught.value.exit_class == 3
    assert bench.proxy.log == [], "not even asked whether it is there"
    assert bench.observer.tags() == {}


TOO_LONG = {
    "refused at its end": answer(413, refusal("SIZE_INVALID", "blob too large")),
    "refused as not allowed": answer(400, refusal("BLOB_UPLOAD_INVALID", "blob upload invalid")),
}


@pytest.mark.parametrize("action", TOO_LONG.values(), ids=TOO_LONG.keys())
async def test_p15_what_only_the_registry_knows_is_told_by_outcome(
    bench: Bench, expected: str, action: Action
):
    """So it ends on Dagger too, which knows no sizes before it pushes: no tag, and why."""
    bench.on("PUT", UPLOAD, action, times=ALWAYS)
    with pytest.raises(PushFailed) as caught:
        await push(bench)
    assert "too large" in caught.value.cause or "invalid" in caught.value.cause
    assert bench.observer.tags() == {}
