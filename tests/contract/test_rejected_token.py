"""A token that is not accepted: reads go on without it where they can, and say so; pushes never do.

GitHub refuses an expired token even for a public image (FAILURES.md, A2).
"""

import json
from collections.abc import Iterator

import pytest

from ci.adapters.clock import SystemClock
from ci.adapters.registry import open_registry
from ci.decisions.credentials import Credentials
from ci.errors import TokenRejected
from ci.oci.manifest import OCI_INDEX
from ci.oci.reference import Tag, parse_repository
from ci.together import together
from tests.contract.kits import Quiet
from tests.faults.actions import answer
from tests.faults.proxy import Action, Call, FaultProxy

IMAGE, LATEST = parse_repository("ghcr.io/acme/observer"), Tag("latest")
EXPIRED = Credentials("acme", "ghp_expired")
REFUSED = answer(403, '{"errors":[{"code":"DENIED","message":"denied"}]}')
PRIVATE = answer(
    401, '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'
)
NOBODYS = answer(200, json.dumps({"token": "nobodys"}))
CHALLENGE = answer(401, headers={"WWW-Authenticate": 'Bearer realm="https://ghcr.io/token"'})
BASIC = answer(401, headers={"WWW-Authenticate": "Basic"})
INDEX = answer(200, "{}", headers={"Content-Type": OCI_INDEX})


def by_authorization(known: dict[str, Action]) -> Action:
    """Answer by what the client calls itself; the first scheme that fits, else that of ""."""

    async def act(call: Call) -> None:
        given = call.head.headers.get("authorization", "")
        found = [action for start, action in known.items() if start and given.startswith(start)]
        await (found or [known[""]])[0](call)

    return act


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Plays GitHub's registry alone; behind it is nothing."""
    with FaultProxy("localhost:1") as running:
        yield running


def play(proxy: FaultProxy, *, nobody: Action) -> None:
    proxy.always("GET", "^/token", by_authorization({"Basic": REFUSED, "": nobody}))
    proxy.always("[A-Z]+", "^/v2/", by_authorization({"Bearer nobodys": INDEX, "": CHALLENGE}))


def connect(proxy, progress, *, can_push=False, who=EXPIRED):
    clock, there = SystemClock(), proxy.address
    return open_registry(
        IMAGE, who, clock=clock, progress=progress, endpoint=there, can_push=can_push
    )


async def test_a_public_image_is_read_without_the_token_and_it_is_said_once(proxy):
    play(proxy, nobody=NOBODYS)
    progress = Quiet()
    async with connect(proxy, progress) as registry:
        for _ in range(2):
            assert await registry.manifest(LATEST)
    assert [bool(each.headers.get("authorization")) for each in proxy.seen("GET", "^/token")] == [
        True,
        False,
    ]
    (line,) = progress.lines
    assert "TokenRejected" in line
    assert "without" in line
    assert EXPIRED.password not in line


async def test_reads_side_by_side_fall_back_together(proxy):
    play(proxy, nobody=NOBODYS)
    progress = Quiet()
    async with connect(proxy, progress) as registry:
        found = await together([lambda: registry.manifest(LATEST)] * 5, at_once=5)
    assert all(found)
    assert len(progress.lines) == 1
    assert len(proxy.seen("GET", "^/token")) == 2


async def test_a_private_image_fails_with_the_token_named_after_one_retry(proxy):
    play(proxy, nobody=PRIVATE)
    async with connect(proxy, Quiet()) as registry:
        with pytest.raises(TokenRejected, match="without it too: NotFoundOrDenied") as caught:
            await registry.manifest(LATEST)
        with pytest.raises(TokenRejected):
            await registry.tags()
    assert "classic token" in caught.value.remedy
    with_token = [each for each in proxy.seen("GET", "^/token") if "authorization" in each.headers]
    assert len(with_token) == 1


async def test_a_push_is_never_tried_without_the_token(proxy):
    play(proxy, nobody=NOBODYS)
    progress = Quiet()
    async with connect(proxy, progress, can_push=True) as registry:
        with pytest.raises(TokenRejected):
            await registry.manifest(LATEST)
        with pytest.raises(TokenRejected):
            await registry.probe_push()
    assert progress.lines == []
    assert all("authorization" in each.headers for each in proxy.seen("GET", "^/token"))


async def test_nobody_stays_nobody(proxy):
    play(proxy, nobody=PRIVATE)
    async with connect(proxy, Quiet(), who=None) as registry:
        with pytest.raises(Exception, match="not say which"):
            await registry.manifest(LATEST)
    assert len(proxy.seen("GET", "^/token")) == 1


async def test_a_private_registry_without_tokens_names_the_password(proxy):
    proxy.always("GET", "^/v2/", BASIC)
    progress = Quiet()
    async with connect(proxy, progress) as registry:
        with pytest.raises(TokenRejected):
            await registry.manifest(LATEST)
    sent = [bool(each.headers.get("authorization")) for each in proxy.seen("GET", "^/v2/")]
    assert sent == [False, True, False]
