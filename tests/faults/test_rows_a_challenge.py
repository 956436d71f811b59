"""Rows A14 to A16: where credentials may go, and what counts as a token."""

import json

import pytest

from ci.decisions.challenge import check_realm
from ci.errors import (
    ChallengeInvalid,
    ChallengeUnsafe,
    NotFoundOrDenied,
    PipelineError,
    RedirectRefused,
    State,
)
from ci.oci.digest import digest_of
from tests.contract.images import release
from tests.faults import ghcr
from tests.faults.actions import Action, answer, endless, html, redirect
from tests.faults.bench import SOURCES, Bench, ShortClock, dialled, minted, publish_at
from tests.faults.proxy import ALWAYS, FaultProxy
from tests.faults.sockets import connections

pytestmark = pytest.mark.registry


REALMS = {
    "another host": "https://evil.example/token",
    "the metadata service": "http://169.254.169.254/latest/meta-data",
    "a private address": "https://10.0.0.1/token",
    "this machine": "https://127.0.0.1/token",
    "a longer host": "https://ghcr.io.evil.example/token",
    "a user in the URL": "https://ghcr.io@evil.example/token",
    "another scheme": "file:///etc/passwd",
    "no host": "https:///token",
    "a broken address": "https://[::1/token",
    "nothing": "",
}


@pytest.mark.parametrize("realm", REALMS.values(), ids=REALMS.keys())
async def test_a14_credentials_go_to_the_registrys_own_token_service_alone(
    proxy: FaultProxy, realm: str
):
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="ghcr.io"'}
    proxy.always("[A-Z]+", "^/v2/", answer(401, "{}", headers=challenge))
    with connections() as seen, pytest.raises((ChallengeUnsafe, ChallengeInvalid)) as caught:
        await publish_at(ghcr.NAME, proxy.address, ghcr.USER)
    assert caught.value.state is State.S1
    places = {each[1] for each in seen if each[0] == "socket.connect"}
    assert {place[1] for place in places} <= {proxy.port}
    assert all("authorization" not in each.headers for each in proxy.log)


def test_a14_credentials_are_not_sent_in_the_clear():
    with pytest.raises(ChallengeUnsafe):
        check_realm("http://ghcr.io/token", "ghcr.io", is_plain=False)


async def test_a14_a_token_service_that_is_not_there_is_no_rejection(proxy: FaultProxy):
    ghcr.play(proxy, token=answer(404, "404 page not found"))
    with pytest.raises(PipelineError) as caught:
        await publish_at(ghcr.NAME, proxy.address, ghcr.USER)
    assert caught.type is NotFoundOrDenied


async def test_a15_another_host_gets_the_request_and_never_the_credentials(bench: Bench):
    tag = minted()
    parts = release(tag, str(SOURCES))
    await bench.has(parts, tag, "latest")
    with FaultProxy(bench.target) as storage:
        for blob in parts.blobs:
            storage.always("GET|HEAD", str(digest_of(blob)), answer(200, blob))
            elsewhere = f"http://{storage.address}/{digest_of(blob)}?signature=secret"
            bench.on("GET|HEAD", str(digest_of(blob)), redirect(elsewhere), times=ALWAYS)
        await bench.verify(tag)
        assert len(storage.log) >= 4
        assert all("authorization" not in each.headers for each in storage.log)
        assert all("cookie" not in each.headers for each in storage.log)


async def test_a15_a_signed_address_is_not_shown(bench: Bench):
    tag = minted()
    parts = release(tag, str(SOURCES))
    await bench.has(parts, tag, "latest")
    bench.on("GET", "/blobs/", redirect("http://localhost:1/x?signature=secret"), times=ALWAYS)
    with pytest.raises(PipelineError) as caught:
        await bench.verify(tag)
    assert "signature" not in str(caught.value)


# The tag's manifest and, side by side, latest's: without a token, with one, and three hops each.
MOST_REQUESTS = 2 * 5 + 2
REDIRECTS = {
    "to another repository": "/v2/other/manifests/latest",
    "to another scheme": "file:///etc/passwd",
    "in a circle": "latest",
}


@pytest.mark.parametrize("location", REDIRECTS.values(), ids=REDIRECTS.keys())
async def test_a15_a_manifest_is_not_redirected(bench: Bench, location: str):
    bench.on("GET", "/manifests/", redirect(location), times=ALWAYS)
    with pytest.raises(RedirectRefused):
        await bench.verify(minted())
    assert len(bench.proxy.log) <= MOST_REQUESTS


TOKENS = {
    "10 MB": (endless("application/json"), ChallengeInvalid),
    "no JSON": (answer(200, "token=abc"), ChallengeInvalid),
    "HTML": (html(), ChallengeInvalid),
    "no token": (answer(200, "{}"), ChallengeInvalid),
    "a number": (answer(200, '{"token": 7}'), ChallengeInvalid),
    "a list": (answer(200, "[]"), ChallengeInvalid),
    "a header inside": (answer(200, json.dumps({"token": "a\r\nX: b"})), ChallengeInvalid),
    "access_token alone": (answer(200, json.dumps({"access_token": ghcr.OPAQUE_TOKEN})), None),
    "both": (
        answer(200, json.dumps({"token": ghcr.OPAQUE_TOKEN, "access_token": "other"})),
        None,
    ),
}


@pytest.mark.parametrize(("token", "error"), TOKENS.values(), ids=TOKENS.keys())
async def test_a16_only_a_token_is_taken_for_one(
    proxy: FaultProxy, token: Action, error: type[PipelineError] | None
):
    ghcr.play(proxy, token=token)
    if error is None:
        async with dialled(ghcr.NAME, proxy.address, ghcr.USER, ShortClock()) as registry:
            await registry.probe_push()
        return
    with pytest.raises(error) as caught:
        await publish_at(ghcr.NAME, proxy.address, ghcr.USER)
    assert caught.value.state is State.S1


CHALLENGES = {
    "another scheme": 'Negotiate realm="x"',
    "unreadable": 'Bearer realm="https://ghcr.io/token",,,=',
    "an open quote": 'Bearer realm="https://ghcr.io/token',
}


@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES.keys())
async def test_a16_a_challenge_that_cannot_be_read_is_named_so(proxy: FaultProxy, challenge: str):
    proxy.always("[A-Z]+", "^/v2/", answer(401, "{}", headers={"WWW-Authenticate": challenge}))
    with pytest.raises(ChallengeInvalid):
        await publish_at(ghcr.NAME, proxy.address, ghcr.USER)
