"""What the stages need from the world, nothing more."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ci.decisions.credentials import Credentials
from ci.decisions.fingerprint import Entry
from ci.decisions.released import Listed
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Repository, Tag


class Registry(Protocol):
    """One repository in a registry.

    Every method raises the classified errors of ``decisions.registry_answers``, and what did not
    heal in the retry budget: RegistryUnavailable, RegistryTimeout, RegistryThrottled, Truncated.
    """

    async def now(self) -> datetime:
        """The registry's own clock."""
        ...

    async def probe_push(self) -> None:
        """Find out whether this token may push, leaving nothing behind."""
        ...

    async def manifest(self, identifier: Tag | Digest) -> Document | None:
        """Read a manifest or index; None when there is none. By digest the bytes are checked."""
        ...

    async def push_manifest(self, tag: Tag, document: Document) -> None:
        """Put these very bytes under a tag."""
        ...

    async def blob_size(self, digest: Digest) -> int | None:
        """Ask for a blob's size in bytes; None when there is none."""
        ...

    async def blob(self, descriptor: Descriptor) -> bytes | None:
        """Read a small blob, checked against its descriptor; None when there is none."""
        ...

    async def tags(self) -> tuple[str, ...]:
        """List every tag, in the registry's order."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Progress(Protocol):
    """Telling the person who waits what is going on."""

    def note(self, text: str) -> None:
        """Say one line."""
        ...

    def step(self, name: str) -> AbstractContextManager[None]:
        """Say what begins, and how long it took when it ends."""
        ...


class Files(Protocol):
    """Reading a directory on this machine."""

    def listing(self, root: Path) -> list[Listed]:
        """List all files and symbolic links under `root`, in any order."""
        ...

    def entries(self, root: Path, paths: Iterable[str]) -> list[Entry]:
        """Read what counts of these files and links under `root`."""
        ...

    def text(self, root: Path, name: str) -> str | None:
        """Read a text file under `root`; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a health request gave; status 0 is no answer, and `body` says why."""

    status: int
    body: str

    @property
    def is_healthy(self) -> bool:
        """Whether the service says that it is well."""
        return 200 <= self.status < 300


class Prober(Protocol):
    """Asking a service for its health."""

    async def ask(self, url: str, timeout_s: float) -> Answered:
        """Ask once."""
        ...


class Connect(Protocol):
    """Opening a repository in a registry for the length of a stage."""

    def __call__(
        self,
        repository: Repository,
        credentials: Credentials | None,
        *,
        clock: Clock,
        progress: Progress,
        endpoint: str = "",
        can_push: bool = False,
    ) -> AbstractAsyncContextManager[Registry]:
        """Connect.

        Args:
            endpoint: ``host:port`` where the registry is really dialled; "" for its own.
            can_push: whether the right to push is asked for.
        """
        ...
