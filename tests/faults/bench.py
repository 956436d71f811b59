"""A registry behind the fault proxy, a client of ours in front of it, an observer beside it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio.lowlevel
import httpx

from ci.adapters.auth import Authorizer
from ci.adapters.patience import PatientClient
from ci.adapters.registry import HttpRegistry, open_registry
from ci.adapters.transport import Deadlines, Transport
from ci.decisions.credentials import Credentials
from ci.decisions.retry import Budget
from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Expected
from ci.oci.digest import Digest, digest_of
from ci.oci.platform import parse_platform
from ci.oci.reference import Repository, Tag, parse_repository
from ci.publish import Published, Publisher, Release
from ci.verify import Verified, Wanted, verify_release
from tests.contract.images import BOTH, Parts, release
from tests.contract.kits import Quiet, RealKit
from tests.faults.observer import Observer
from tests.faults.proxy import Action, FaultProxy
from tests.faults.wire import Head

SOURCES = digest_of(b"sources")
# Long enough for a busy machine to answer what is not scripted to hang.
SHORT = Deadlines(connect_s=10, no_progress_s=3, total_s=4)


def minted(seconds_ago: int = 60) -> str:
    """A release tag of a moment ago."""
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).strftime("%Y%m%d-%H%M%S")


@dataclass
class ShortClock:
    """Real time, except that what is slept counts without passing."""

    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic() + sum(self.waits)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await anyio.lowlevel.checkpoint()


@dataclass
class Bench:
    """One fresh repository, reached through a proxy of its own."""

    proxy: FaultProxy
    target: str
    path: str
    owner: Credentials
    reader: Credentials
    clock: ShortClock = field(default_factory=ShortClock)
    progress: Quiet = field(default_factory=Quiet)
    builds: int = 0
    platforms: tuple[str, ...] = BOTH

    @property
    def repository(self) -> Repository:
        """The repository as clients name it."""
        return parse_repository(f"{self.proxy.address}/{self.path}")

    @property
    def observer(self) -> Observer:
        """Who sees what is really there."""
        return Observer(self.target, self.path, self.owner.user, self.owner.password)

    @property
    def past_proxy(self) -> RealKit:
        """Means to fill and damage the repository, which no fault reaches."""
        direct = parse_repository(f"{self.target}/{self.path}")
        return RealKit(direct, self.owner, self.reader)

    @asynccontextmanager
    async def open(
        self,
        who: Credentials | None = None,
        *,
        anonymous: bool = False,
        can_push: bool = True,
        deadlines: Deadlines | None = None,
    ) -> AsyncIterator[HttpRegistry]:
        """Connect through the proxy, as the owner unless somebody else is given."""
        credentials = None if anonymous else who or self.owner
        async with Transport(self.repository.registry, deadlines=deadlines) as transport:
            # Who is given less time is given fewer tries: what hangs once hangs always.
            budget = Budget(tries=2) if deadlines else None
            client = PatientClient(
                transport, clock=self.clock, progress=self.progress, budget=budget
            )
            authorizer = Authorizer(client, self.repository, credentials, can_push=can_push)
            yield HttpRegistry(client, authorizer, self.repository, clock=self.clock)

    def on(
        self,
        method: str,
        target: str,
        action: Action,
        *,
        nth: int = 1,
        times: float = 1,
        after_put: str = "",
    ) -> None:
        """Script a fault for requests with a token; the challenge before is not counted.

        Args:
            after_put: count only from when this tag was put.
        """

        def is_meant(head: Head) -> bool:
            is_time = not after_put or bool(self.proxy.seen("PUT", f"/manifests/{after_put}$"))
            return "authorization" in head.headers and is_time

        self.proxy.on(method, target, action, nth=nth, times=times, only=is_meant)

    async def challenge(self) -> str:
        """What the registry itself says to somebody without a token."""
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            return (await client.get(f"http://{self.target}/v2/")).headers["WWW-Authenticate"]

    async def has(self, parts: Parts, *tags: str) -> Digest:
        """Put an image and tags behind the proxy's back."""
        await self.past_proxy.put(parts)
        async with self.past_proxy.open() as registry:
            for tag in tags:
                await registry.push_manifest(Tag(tag), parts.top)
        return parts.top.digest

    async def publish(
        self,
        tag: str,
        *,
        fingerprint: Digest = SOURCES,
        salt: str = "",
        who: Credentials | None = None,
        deadlines: Deadlines | None = None,
    ) -> Published:
        """Publish a release through the proxy; the engine's push goes past it."""
        platforms = tuple(map(parse_platform, self.platforms))
        wanted = Release(parse_release_tag(tag, UTC), fingerprint, platforms, UTC)

        async def make() -> Digest:
            self.builds += 1
            parts = release(tag, str(fingerprint), salt, self.platforms)
            return await self.has(parts, "unverified")

        async with self.open(who, deadlines=deadlines) as registry:
            publisher = Publisher(wanted, registry, self.clock, self.progress)
            return await publisher.publish(make)

    async def verify(
        self,
        tag: str,
        *,
        digest: Digest | None = None,
        who: Credentials | None = None,
        deadlines: Deadlines | None = None,
    ) -> Verified:
        """Verify a release through the proxy."""
        expected = Expected(tuple(map(parse_platform, self.platforms)), tag)
        async with self.open(who, can_push=False, deadlines=deadlines) as registry:
            return await verify_release(
                registry,
                parse_release_tag(tag, UTC),
                expected,
                wanted=Wanted(digest),
                zone=UTC,
                clock=self.clock,
            )


@asynccontextmanager
async def dialled(
    name: str,
    endpoint: str,
    credentials: Credentials | None,
    clock: ShortClock,
    *,
    can_push: bool = True,
) -> AsyncIterator[HttpRegistry]:
    """Connect as a user does to a registry of any name, dialled at the proxy."""
    async with open_registry(
        parse_repository(name),
        credentials,
        clock=clock,
        progress=Quiet(),
        endpoint=endpoint,
        can_push=can_push,
    ) as registry:
        yield registry


async def publish_at(name: str, endpoint: str, who: Credentials | None) -> None:
    """Begin a publication; a build here would be one too early."""

    async def make():
        raise AssertionError("built before the right to push was known")

    tag = parse_release_tag(minted(), UTC)
    wanted = Release(tag, SOURCES, (parse_platform("linux/amd64"),), UTC)
    clock = ShortClock()
    async with dialled(name, endpoint, who, clock) as registry:
        await Publisher(wanted, registry, clock, Quiet()).publish(make)
