"""Rows A: who we are and what we may do; nothing is built before that is known."""

import json
from datetime import UTC
from pathlib import Path

import pytest

from ci.decisions.challenge import check_realm
from ci.decisions.credentials import Credentials, check_token_given, clean_token
from ci.decisions.tags import parse_release_tag
from ci.errors import (
    AuthRequired,
    ChallengeInvalid,
    ChallengeUnsafe,
    InputError,
    NotFoundOrDenied,
    OwnerUnknown,
    PermissionMissing,
    PipelineError,
    RedirectRefused,
    RegistryThrottled,
    State,
    TokenKind,
    TokenMalformed,
    TokenRejected,
)
from ci.oci.digest import digest_of
from ci.oci.platform import parse_platform
from ci.oci.reference import Tag, parse_repository
from ci.publish import Publisher, Release
from tests.contract.images import release
from tests.contract.kits import Quiet
from tests.faults import ghcr
from tests.faults.actions import Action, answer, endless, html, redirect
from tests.faults.basic import OWNER, basic_registry
from tests.faults.bench import SOURCES, Bench, ShortClock, dialled, minted
from tests.faults.proxy import Call, FaultProxy
from tests.faults.sockets import connections

pytestmark = pytest.mark.registry
GITHUB = parse_repository(ghcr.NAME)
USER = Credentials("acme", "ghp_secretsecretsecret")
LATEST = Tag("latest")
ALWAYS = float("inf")


async def publish_at(name: str, endpoint: str, who: Credentials | None) -> None:
    """Begin a publication; a build here would be one too early."""

    async def make():
        raise AssertionError("built before the right to push was known")

    tag = parse_release_tag(minted(), UTC)
    wanted = Release(tag, SOURCES, (parse_platform("linux/amd64"),), UTC)
    clock = ShortClock()
    async with dialled(name, endpoint, who, clock) as registry:
        await Publisher(wanted, registry, clock, Quiet()).publish(make)


ROWS = {
    "A2 expired token": (ghcr.EXPIRED, "token", TokenRejected),
    "A3 token of nobody": (ghcr.NOT_AUTHENTICATED, "token", TokenRejected),
    "A4 missing or private": (ghcr.MISSING_OR_PRIVATE, "token", NotFoundOrDenied),
    "A5 no read": (ghcr.NO_READ, "/manifests/", PermissionMissing),
    "A6 no write": (ghcr.NO_WRITE, "/uploads/", PermissionMissing),
    "A7 not in this organisation": (ghcr.NO_CREATE, "/uploads/", PermissionMissing),
    "A8 no such owner": (ghcr.NO_OWNER, "/uploads/", OwnerUnknown),
    "A13 a rate limit that says 403": (ghcr.SECONDARY_LIMIT, "/uploads/", RegistryThrottled),
}


@pytest.mark.parametrize(("seen", "at", "error"), ROWS.values(), ids=ROWS.keys())
async def test_rows_of_ghcr_stop_a_publication_before_its_build(
    proxy: FaultProxy, seen: ghcr.Seen, at: str, error: type[PipelineError]
):
    if at != "token":
        proxy.always("[A-Z]+", at, ghcr.behind_the_door(seen.action))
    ghcr.play(proxy, token=seen.action if at == "token" else ghcr.GRANTED)
    with pytest.raises(PipelineError) as caught:
        await publish_at(ghcr.NAME, proxy.address, USER)
    assert (caught.type, caught.value.state) == (error, State.S1)
    assert caught.value.exit_class == (5 if error is RegistryThrottled else 4)
    assert USER.password not in str(caught.value)
    assert proxy.seen("PUT") == []


@pytest.fixture(scope="module")
def basic(tmp_path_factory: pytest.TempPathFactory):
    with basic_registry(tmp_path_factory.mktemp("basic")) as address:
        yield address


BASIC = {
    "A1 nobody": (None, AuthRequired),
    "A2 a wrong password": (Credentials(OWNER.user, "wrong"), TokenRejected),
    "A2 an unknown user": (Credentials("who", OWNER.password), TokenRejected),
}


@pytest.mark.parametrize(("who", "error"), BASIC.values(), ids=BASIC.keys())
async def test_rows_of_a_registry_with_a_password_file(
    basic: str, who: Credentials | None, error: type[PipelineError]
):
    with pytest.raises(PipelineError) as caught:
        await publish_at(f"{basic}/acme/observer", "", who)
    assert (caught.type, caught.value.state) == (error, State.S1)
    assert "--token" in caught.value.remedy


async def test_a1_the_right_password_opens_it(basic: str):
    async with dialled(f"{basic}/acme/observer", "", OWNER, ShortClock()) as registry:
        await registry.probe_push()
        assert await registry.manifest(LATEST) is None


async def test_a1_nobody_reads_a_private_repository_of_the_token_registry(bench: Bench):
    await bench.has(release(minted(), str(SOURCES)), "latest")
    with pytest.raises((AuthRequired, NotFoundOrDenied)) as caught:
        async with bench.open(anonymous=True, can_push=False) as registry:
            await registry.manifest(LATEST)
    assert "--token" in caught.value.remedy


async def test_a2_an_expired_token_does_not_keep_a_public_image_from_being_read(proxy: FaultProxy):
    async def token(call: Call) -> None:
        as_somebody = "authorization" in call.head.headers
        await (ghcr.EXPIRED.action if as_somebody else ghcr.GRANTED)(call)

    ghcr.play(proxy, token=token)
    clock = ShortClock()
    async with dialled(ghcr.NAME, proxy.address, USER, clock, can_push=False) as registry:
        assert await registry.manifest(LATEST) is None
    tries = ["authorization" in each.headers for each in proxy.seen("GET", "^/token")]
    assert tries == [True, False]


BAD_TOKENS = {
    "A10 fine-grained": ("github_pat_11ABCDE", TokenKind),
    "A11 inner space": ("ghp_abc def", TokenMalformed),
    "A11 inner newline": ("ghp_abc\nghp_def", TokenMalformed),
    "A11 nothing": (" \n", TokenMalformed),
    "A11 control character": ("ghp_\x1b[2J", TokenMalformed),
    "A11 beyond ASCII": ("ghp_ä", TokenMalformed),
}


@pytest.mark.parametrize(("text", "error"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_bad_tokens_are_refused_unseen_and_unsent(text: str, error: type[InputError]):
    with connections() as seen, pytest.raises(error) as caught:
        clean_token(text, GITHUB)
    assert seen == []
    assert caught.value.exit_class == 2
    assert "ghp_" not in str(caught.value)
    assert "11ABCDE" not in str(caught.value)


def test_a11_white_space_around_a_token_is_stripped():
    assert clean_token(" ghp_abc\r\n", GITHUB) == "ghp_abc"


def test_a1_no_token_for_a_registry_elsewhere_is_refused_before_contact():
    with connections() as seen, pytest.raises(AuthRequired) as caught:
        check_token_given(GITHUB, has_token=False)
    assert seen == []
    assert "--token env:GITHUB_TOKEN" in caught.value.remedy
    assert "--via tcp://localhost:5000" in caught.value.remedy


async def test_a12_a_token_that_expires_on_the_way_is_renewed(bench: Bench):
    tag = minted()
    for nth in (2, 9, 15):
        bench.on("[A-Z]+", "^/v2/", await expired(bench), nth=nth)
    done = await bench.publish(tag)
    assert not bench.proxy.unused
    assert bench.observer.tags() == dict.fromkeys((tag, "latest", "unverified"), str(done.digest))


async def test_a12_a_token_that_is_never_accepted_ends_the_run(bench: Bench):
    bench.on("[A-Z]+", "^/v2/", await expired(bench), times=ALWAYS)
    with pytest.raises(TokenRejected) as caught:
        await bench.publish(minted())
    assert caught.value.state is State.S1
    assert len(bench.proxy.log) <= 5
    assert bench.observer.tags() == {}


async def expired(bench: Bench) -> Action:
    """The registry's own challenge, with what it adds for a token that ran out."""
    body = ghcr.refusal("UNAUTHORIZED", "authentication required")
    told = {"WWW-Authenticate": f'{await bench.challenge()},error="invalid_token"'}
    return answer(401, body, headers=told)


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
        await publish_at(ghcr.NAME, proxy.address, USER)
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
        await publish_at(ghcr.NAME, proxy.address, USER)
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
    assert len(bench.proxy.log) < 8


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
        async with dialled(ghcr.NAME, proxy.address, USER, ShortClock()) as registry:
            await registry.probe_push()
        return
    with pytest.raises(error) as caught:
        await publish_at(ghcr.NAME, proxy.address, USER)
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
        await publish_at(ghcr.NAME, proxy.address, USER)


async def test_a17_who_may_only_read_is_told_before_the_build(bench: Bench):
    tag = minted()
    with pytest.raises(PermissionMissing) as caught:
        await bench.publish(tag, who=bench.reader)
    assert (caught.value.state, caught.value.exit_class) == (State.S1, 4)
    assert bench.builds == 0
    assert bench.observer.tags() == {}


async def test_a18_credentials_of_dockers_own_file_change_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    auths = {bench.proxy.address: {"auth": "d3Jvbmc6d3Jvbmc="}, bench.target: {"auth": "d3I6dw=="}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    (tmp_path / ".netrc").write_text("machine localhost login wrong password wrong\n")
    for name in ("HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path))
    tag = minted()
    done = await bench.publish(tag)
    assert bench.observer.digest(tag) == str(done.digest)
    sent = {each.headers.get("authorization", "")[:6] for each in bench.proxy.log}
    assert sent == {"", "Bearer"}
