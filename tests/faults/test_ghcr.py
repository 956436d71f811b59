"""GHCR's causes are told apart, each with what to do about it, before anything is built."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ci.decisions.credentials import Credentials
from ci.errors import (
    NotFoundOrDenied,
    OwnerUnknown,
    PermissionMissing,
    PipelineError,
    RegistryThrottled,
    RegistryUnavailable,
    TokenRejected,
)
from ci.oci.reference import Tag
from tests.faults import ghcr
from tests.faults.bench import ShortClock, dialled
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.registry
LATEST = Tag("latest")


async def probe(registry) -> None:
    await registry.probe_push()


async def read(registry) -> None:
    await registry.manifest(LATEST)


@dataclass(frozen=True)
class Case:
    """A cause: what GHCR says where, and what we must say."""

    seen: ghcr.Seen
    error: type[PipelineError]
    remedy: tuple[str, ...]
    at: str = "uploads"
    does: Callable = probe
    who: Credentials | None = ghcr.USER

    def install(self, proxy: FaultProxy) -> None:
        if self.at == "token":
            ghcr.play(proxy, token=self.seen.action)
            return
        proxy.always("[A-Z]+", self.at, ghcr.behind_the_door(self.seen.action))
        ghcr.play(proxy)


CASES = {
    "missing or private, nobody": Case(
        ghcr.MISSING_OR_PRIVATE, NotFoundOrDenied, ("--image", "--token"), "token", read, None
    ),
    "missing or private, nobody, as in 2020": Case(
        ghcr.MISSING_OR_PRIVATE_2020, NotFoundOrDenied, ("--image", "--token"), "token", read, None
    ),
    "missing or private, somebody": Case(
        ghcr.MISSING_OR_PRIVATE, NotFoundOrDenied, ("--image", "--token"), "token"
    ),
    "expired token": Case(ghcr.EXPIRED, TokenRejected, ("classic token",), "token"),
    "token of nobody": Case(ghcr.NOT_AUTHENTICATED, TokenRejected, ("classic token",), "token"),
    "wrong kind of token": Case(ghcr.INVALID_TOKEN, TokenRejected, ("classic token",), "token"),
    "no read": Case(ghcr.NO_READ, PermissionMissing, ("read:packages",), "/manifests/", read),
    "no write, or the package is not linked": Case(
        ghcr.NO_WRITE,
        PermissionMissing,
        ("(1)", "packages: write", "(2)", "Manage Actions access", "(3)", "write:packages"),
    ),
    "the organisation forbids to create": Case(
        ghcr.NO_CREATE,
        PermissionMissing,
        ("(1)", "packages: write", "(2)", "owner", "(3)", "organisation"),
    ),
    "the organisation forbids to write": Case(
        ghcr.NO_WRITE_IN_ORGANISATION,
        PermissionMissing,
        ("(1)", "packages: write", "(2)", "owner", "(3)", "organisation"),
    ),
    "unknown owner": Case(ghcr.NO_OWNER, OwnerUnknown, ("owner", "--image")),
    "throttled": Case(ghcr.TOO_MANY, RegistryThrottled, ("wait",)),
    "throttled, disguised as a denial": Case(ghcr.SECONDARY_LIMIT, RegistryThrottled, ("wait",)),
    "bad gateway": Case(ghcr.BAD_GATEWAY, RegistryUnavailable, ("again",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_every_cause_has_its_name_and_its_remedy(proxy: FaultProxy, case: Case):
    case.install(proxy)
    with pytest.raises(PipelineError) as caught:
        async with dialled(ghcr.NAME, proxy.address, case.who, ShortClock()) as registry:
            await case.does(registry)
    assert caught.type is case.error
    places = [caught.value.remedy.find(words) for words in case.remedy]
    assert -1 not in places, caught.value.remedy
    assert places == sorted(places), "the likeliest cause comes first"
    assert ghcr.USER.password not in str(caught.value)
    assert proxy.seen("PUT") == []


def test_every_answer_tells_where_it_was_seen():
    found = [each for each in vars(ghcr).values() if isinstance(each, ghcr.Seen)]
    assert len(found) > 15
    assert all(each.source for each in found)


async def test_a_missing_tag_of_a_visible_package_is_just_missing(proxy):
    ghcr.play(proxy)
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, ShortClock()) as registry:
        assert await registry.manifest(LATEST) is None


async def test_an_upload_that_cannot_be_cancelled_is_the_right_to_push(proxy):
    ghcr.play(proxy)
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, ShortClock()) as registry:
        await registry.probe_push()
    (cancelled,) = proxy.seen("DELETE")
    assert cancelled.status == 405


async def test_a_public_package_is_read_with_nobodys_token(proxy):
    ghcr.play(proxy)
    async with dialled(ghcr.NAME, proxy.address, None, ShortClock()) as registry:
        await read(registry)
    assert all("authorization" not in each.headers for each in proxy.seen("GET", "^/token"))


async def test_the_users_token_goes_to_the_token_service_alone(proxy):
    """A classic token as a bearer is refused (HarborGuard#191, 2026-08), and shown to more eyes."""
    ghcr.play(proxy)
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, ShortClock()) as registry:
        await registry.probe_push()
        await read(registry)
    sent = {each.headers.get("authorization") for each in proxy.seen("[A-Z]+", "^/v2/")}
    assert sent == {None, f"Bearer {ghcr.OPAQUE_TOKEN}"}
    (asked,) = proxy.seen("GET", "^/token")
    assert "scope=repository%3Aacme%2Fobserver%3Apull%2Cpush" in asked.target


async def test_the_wait_inside_the_message_is_obeyed(proxy):
    proxy.on("GET", "/manifests/", ghcr.behind_the_door(ghcr.TOO_MANY.action), nth=2)
    ghcr.play(proxy)
    clock = ShortClock()
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, clock) as registry:
        assert await registry.manifest(LATEST) is None
    assert clock.waits == [1.0]


async def test_an_unknown_blob_is_asked_again(proxy):
    """Three to five tries cure it in the field."""
    proxy.on("POST", "/blobs/uploads/", ghcr.behind_the_door(ghcr.UNKNOWN_BLOB.action), times=4)
    ghcr.play(proxy)
    clock = ShortClock()
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, clock) as registry:
        await registry.probe_push()
    assert len(clock.waits) == 3, "the first of the four was the challenge"


async def test_a_secondary_limit_is_given_a_minute(proxy):
    proxy.on("GET", "/manifests/", ghcr.behind_the_door(ghcr.SECONDARY_LIMIT.action), nth=2)
    ghcr.play(proxy)
    clock = ShortClock()
    async with dialled(ghcr.NAME, proxy.address, ghcr.USER, clock) as registry:
        assert await registry.manifest(LATEST) is None
    assert clock.waits == [60.0]
