"""A registry in memory: state and the same errors as a real one, no recording of calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ci.errors import DigestMismatch, PermissionMissing, RequestRefused
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest, digest_of
from ci.oci.manifest import Document, Index, parse_document
from ci.oci.reference import Tag
from tests.contract.images import Parts


async def nothing(_: str) -> None:
    """Let every request pass."""


@dataclass
class Store:
    """What a repository holds."""

    tags: dict[str, Digest] = field(default_factory=dict)
    manifests: dict[Digest, Document] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)

    def put(self, parts: Parts) -> Digest:
        """Put everything but a tag."""
        self.blobs |= {digest_of(blob): blob for blob in parts.blobs}
        self.manifests |= {child.digest: child for child in (*parts.children, parts.top)}
        return parts.top.digest


@dataclass
class RegistrySimulator:
    """One client's view of a store.

    `gate` is awaited before and after each request takes effect: there a test kills a client or
    lets another one go first.
    """

    store: Store = field(default_factory=Store)
    may_push: bool = True
    gate: Callable[[str], Awaitable[None]] = nothing
    time: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def now(self) -> datetime:
        await self.gate("now")
        return self.time()

    async def probe_push(self) -> None:
        await self.gate("probe_push")
        self._check_push()

    async def manifest(self, identifier: Tag | Digest) -> Document | None:
        await self.gate(f"manifest {identifier}")
        digest = identifier
        if isinstance(identifier, Tag):
            found = self.store.tags.get(identifier.text)
            if found is None:
                return None
            digest = found
        document = self.store.manifests.get(digest)
        if document and document.digest != digest:
            raise DigestMismatch(f"{digest} has other bytes", remedy="none")
        return document

    async def push_manifest(self, tag: Tag, document: Document) -> None:
        await self.gate(f"put {tag}")
        self._check_push()
        parsed = parse_document(document)
        needed = parsed.manifests if isinstance(parsed, Index) else (parsed.config, *parsed.layers)
        held = self.store.manifests if isinstance(parsed, Index) else self.store.blobs
        if any(part.digest not in held for part in needed):
            raise RequestRefused("MANIFEST_BLOB_UNKNOWN", remedy="none")
        self.store.manifests[document.digest] = document
        self.store.tags[tag.text] = document.digest
        await self.gate(f"have put {tag}")

    async def blob_size(self, digest: Digest) -> int | None:
        await self.gate(f"blob_size {digest}")
        raw = self.store.blobs.get(digest)
        return None if raw is None else len(raw)

    async def blob(self, descriptor: Descriptor) -> bytes | None:
        await self.gate(f"blob {descriptor.digest}")
        return self.store.blobs.get(descriptor.digest)

    async def tags(self) -> tuple[str, ...]:
        await self.gate("tags")
        return tuple(sorted(self.store.tags))

    def _check_push(self) -> None:
        if not self.may_push:
            raise PermissionMissing("may not push", remedy="none")
