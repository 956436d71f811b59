"""Publishers on a simulated registry, stopped and interleaved wherever a test wants it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ci.decisions.tags import parse_release_tag
from ci.oci.digest import Digest, digest_of
from ci.oci.platform import parse_platform
from ci.publish import Published, Publisher, Release
from tests.contract.images import BOTH, release
from tests.contract.kits import Quiet
from tests.contract.simulator import RegistrySimulator, Store, nothing

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
OLD, NEW = "20261123-110000", "20261123-113000"
SOURCES = digest_of(b"sources")


def end_state(store: Store) -> dict[str, Digest]:
    """What the tags hold, but for the one that everybody pushes to."""
    return {name: digest for name, digest in store.tags.items() if name != "unverified"}


@dataclass
class FastClock:
    """Time that passes only by sleeping."""

    spent_s: float = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.spent_s)

    def monotonic_s(self) -> float:
        return self.spent_s

    async def sleep(self, seconds: float) -> None:
        self.spent_s += seconds
        await asyncio.sleep(0)


@dataclass
class Client:
    """One machine that publishes; `salt` makes its build differ from another machine's."""

    store: Store
    tag: str = NEW
    fingerprint: Digest = SOURCES
    salt: str = ""
    gate: Callable[[str], Awaitable[None]] = nothing
    registry: type[RegistrySimulator] = RegistrySimulator
    may_push: bool = True
    platforms: tuple[str, ...] = BOTH
    builds: int = 0
    clock: FastClock = field(default_factory=FastClock)
    progress: Quiet = field(default_factory=Quiet)

    async def publish(self, make: Callable[[], Awaitable[Digest]] | None = None) -> Published:
        """Publish what `make`, by default an honest engine, makes."""
        platforms = tuple(map(parse_platform, self.platforms))
        wanted = Release(parse_release_tag(self.tag, UTC), self.fingerprint, platforms, UTC)
        registry = self.registry(
            self.store, may_push=self.may_push, gate=self.gate, time=lambda: NOW
        )
        publisher = Publisher(wanted, registry, self.clock, self.progress)
        return await publisher.publish(make or self.make)

    async def make(self) -> Digest:
        """Do as the engine does: put everything, then the moving tag."""
        self.builds += 1
        await self.gate("build")
        parts = release(self.tag, str(self.fingerprint), self.salt, self.platforms)
        digest = self.store.put(parts)
        await self.gate("pushed blobs")
        self.store.tags["unverified"] = digest
        await self.gate("pushed unverified")
        return digest
