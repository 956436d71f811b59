"""Reading a release from the registry: whole, or only as much as is needed; side by side.

Round trips are what a registry far away costs: a tree takes three, whatever its platforms and
layers (tests/stages/test_rounds.py counts them).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from itertools import chain

from ci.decisions.labels import labels_of_release
from ci.decisions.publication import Held
from ci.decisions.tags import LATEST, ReleaseTag, newest
from ci.decisions.tree import Image, Tree
from ci.errors import ManifestInvalid, VerificationError
from ci.oci.descriptor import Descriptor
from ci.oci.manifest import Document, Index, Manifest, parse_config, parse_document
from ci.oci.reference import Tag
from ci.oci.strict_json import REMEDY
from ci.ports import Contents, Registry
from ci.together import both, together

DEPTH = 3
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class TagsSeen:
    """One look at a repository: its tags, what `latest` is, and the registry's time."""

    names: tuple[str, ...]
    latest: Document | None
    now: datetime


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """What a tag holds; `tree` is None where it could not be read whole."""

    document: Document
    held: Held
    tree: Tree | None


async def read_tags(registry: Registry) -> TagsSeen:
    """Look at the tags."""

    async def listed() -> tuple[tuple[str, ...], Document | None]:
        return await both(registry.tags, partial(registry.manifest, LATEST))

    (names, latest), now = await both(listed, registry.now)
    return TagsSeen(names, latest, now)


async def newest_release(
    registry: Registry,
    seen: TagsSeen,
    zone: tzinfo,
    known: tuple[ReleaseTag, Document] | None = None,
) -> tuple[ReleaseTag, Document] | None:
    """Find the newest release tag whose tree is all there.

    Args:
        known: a release that was verified just now; a lagging read must not make it disappear.
    """
    waiting = set(seen.names)
    while top := newest(waiting, zone, seen.now):
        if known and top == known[0]:
            return known
        document = await registry.manifest(top.tag)
        if document and await _is_whole(registry, document):
            return top, document
        waiting.discard(top.tag.text)
    return None


async def _is_whole(registry: Registry, document: Document) -> bool:
    try:
        tree = await read_tree(registry, document)
    except VerificationError:
        # What cannot even be read is no release.
        return False
    return bool(tree.images) and not any(image.absent for image in tree.images)


async def read_release(registry: Registry, document: Document) -> ReleaseSeen:
    """Read what a tag holds, whole."""
    try:
        tree = await read_tree(registry, document)
    except VerificationError:
        return ReleaseSeen(document, await held_by(registry, document), None)
    labels = next((image.config.labels for image in tree.images if image.config), {})
    return ReleaseSeen(document, Held(document.digest, *labels_of_release(labels)), tree)


async def read_held(registry: Registry, tag: Tag) -> Held | None:
    """Read what a tag holds and what its first image says of itself."""
    document = await registry.manifest(tag)
    return await held_by(registry, document) if document else None


async def held_by(registry: Contents, document: Document) -> Held:
    """Read what the first image of a document says of itself."""
    try:
        labels = await _first_labels(registry, document, depth=DEPTH)
    except VerificationError:
        # Something from before this tool, or from another one: it says nothing to us.
        labels = None
    return Held(document.digest, *labels_of_release(labels or {}))


async def _first_labels(
    registry: Contents, document: Document, *, depth: int
) -> Mapping[str, str] | None:
    """Read one image's labels; None when no image's are there."""
    parsed = parse_document(document)
    if isinstance(parsed, Manifest):
        raw = await registry.blob(parsed.config)
        return None if raw is None else parse_config(raw).labels
    for descriptor in parsed.manifests if depth else ():
        child = None if _is_attestation(descriptor) else await registry.manifest(descriptor.digest)
        labels = await _first_labels(registry, child, depth=depth - 1) if child else None
        if labels is not None:
            return labels
    return None


async def read_tree(registry: Contents, document: Document) -> Tree:
    """Read everything that a manifest or index leads to; what is missing is noted, not raised."""
    children = await _children(registry, document, depth=DEPTH)
    attestations = tuple(
        descriptor.digest for descriptor, _ in children if _is_attestation(descriptor)
    )
    reads = [
        partial(_image, registry, descriptor, child)
        for descriptor, child in children
        if not _is_attestation(descriptor)
    ]
    return Tree(document.digest, tuple(await together(reads, at_once=AT_ONCE)), attestations)


async def _children(
    registry: Contents, document: Document, *, depth: int
) -> list[tuple[Descriptor, Document | None]]:
    """List the manifests under a document, through nested indexes."""
    parsed = parse_document(document)
    if not isinstance(parsed, Index):
        own = Descriptor(document.media_type, document.digest, len(document.raw))
        return [(own, document)]
    if depth == 0:
        raise ManifestInvalid(f"indexes nested deeper than {DEPTH}", remedy=REMEDY)
    reads = [partial(_child, registry, each, depth=depth) for each in parsed.manifests]
    return list(chain.from_iterable(await together(reads, at_once=AT_ONCE)))


async def _child(
    registry: Contents, descriptor: Descriptor, *, depth: int
) -> list[tuple[Descriptor, Document | None]]:
    if _is_attestation(descriptor):
        return [(descriptor, None)]
    child = await registry.manifest(descriptor.digest)
    if child and isinstance(parse_document(child), Index):
        return await _children(registry, child, depth=depth - 1)
    return [(descriptor, child)]


def _is_attestation(descriptor: Descriptor) -> bool:
    return descriptor.platform is not None and descriptor.platform.is_unknown


async def _image(registry: Contents, descriptor: Descriptor, child: Document | None) -> Image:
    parsed = parse_document(child) if child else None
    if not isinstance(parsed, Manifest):
        return Image(descriptor, None, (), (f"manifest {descriptor.digest} is missing",))
    looks = [partial(_look, registry, layer) for layer in dict.fromkeys(parsed.layers)]
    raw, found = await both(
        partial(registry.blob, parsed.config), partial(together, looks, at_once=AT_ONCE)
    )
    absent = [] if raw is not None else [f"config {parsed.config.digest} is missing"]
    absent += filter(None, found)
    config = parse_config(raw) if raw is not None else None
    return Image(descriptor, config, parsed.layers, tuple(absent), parsed.config.digest)


async def _look(registry: Contents, layer: Descriptor) -> str:
    size = await registry.blob_size(layer.digest)
    if size is None:
        return f"layer {layer.digest} is missing"
    # -1: the registry does not say how large it is.
    if size not in (layer.size_bytes, -1):
        return f"layer {layer.digest} has {size} bytes, not {layer.size_bytes}"
    return ""
