"""What the stages need from the world, nothing more."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ci.decisions.fingerprint import Entry
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Tag


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

    def entries(self, root: Path) -> list[Entry]:
        """List all files and symbolic links under `root`."""
        ...

    def text(self, path: Path) -> str | None:
        """Read a small text file; None when there is none."""
        ...
