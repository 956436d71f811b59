"""Rows A: who we are and what we may do; nothing is built before that is known."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ci.decisions.credentials import Credentials, check_token_given, clean_token
from ci.errors import (
    AuthRequired,
    InputError,
    NotFoundOrDenied,
    OwnerUnknown,
    PermissionMissing,
    PipelineError,
    RegistryThrottled,
    State,
    TokenKind,
    TokenMalformed,
    TokenRejected,
)
from ci.oci.reference import Tag, parse_repository
from tests.contract.images import release
from tests.faults import ghcr
from tests.faults.actions import Action, answer
from tests.faults.basic import OWNER, basic_registry
from tests.faults.bench import SOURCES, Bench, ShortClock, dialled, minted, publish_at
from tests.faults.proxy import ALWAYS, Call, FaultProxy
from tests.faults.sockets import connections

pytestmark = pytest.mark.registry
GITHUB = parse_repository(ghcr.NAME)
LATEST = Tag("latest")


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
        await publish_at(ghcr.NAME, proxy.address, ghcr.USER)
    assert (caught.type, caught.value.state) == (error, State.S1)
    assert caught.value.exit_class == (5 if error is RegistryThrottled else 4)
    assert ghcr.USER.password not in str(caught.value)
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
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, clock, can_push=False) as registry:
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
    tries = Counter((each.method, each.target.partition("?")[0]) for each in bench.proxy.log)
    assert max(tries.values()) <= 3, tries
    assert bench.observer.tags() == {}


async def expired(bench: Bench) -> Action:
    """The registry's own challenge, with what it adds for a token that ran out."""
    body = ghcr.refusal("UNAUTHORIZED", "authentication required")
    told = {"WWW-Authenticate": f'{await bench.challenge()},error="invalid_token"'}
    return answer(401, body, headers=told)


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
