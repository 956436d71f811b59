"""Verify: read a release's whole tree from the registry and judge it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from ci.decisions.labels import REVISION, labels_of_release
from ci.decisions.publication import Held
from ci.decisions.tags import LATEST, ReleaseTag, newest
from ci.decisions.tree import Expected, Image, Tree, judge_tree
from ci.errors import (
    ManifestInvalid,
    State,
    TagConflict,
    TagMissing,
    TagsDisagree,
    VerificationError,
    reached,
)
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import Document, Index, Manifest, parse_config, parse_document
from ci.oci.reference import Tag
from ci.oci.strict_json import REMEDY
from ci.ports import Clock, Registry
from ci.together import together

DEPTH = 3
AGREEMENT_S = 1.0
PUBLISHER_S = 5.0
AT_ONCE = 6
_PUBLISH = "publish it: ./daggerw call publish --tag"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification saw."""

    tag: ReleaseTag
    tree: Tree
    newest: ReleaseTag

    @property
    def revision(self) -> str:
        """The commit that the images name."""
        configs = [image.config for image in self.tree.images if image.config]
        return configs[0].labels.get(REVISION, "") if configs else ""


async def verify_release(
    registry: Registry,
    tag: ReleaseTag,
    expected: Expected,
    *,
    digest: Digest | None,
    zone: tzinfo,
    clock: Clock,
) -> Verified:
    """Verify a published release and that `latest` is the newest one.

    Raises:
        TagMissing, TagConflict, TagsDisagree: what the tags hold.
        VerificationError: what is wrong with the tree.
    """
    begun = clock.monotonic_s()
    with reached(State.RO):
        document = await _document(registry, tag, digest)
        tree = await read_tree(registry, document)
        judge_tree(tree, expected)
        top = await _verify_latest(registry, (tag, document), zone, clock)
        # One read may be an old replica's: two that agree, apart in time, are believed.
        await clock.sleep(max(0.0, AGREEMENT_S - (clock.monotonic_s() - begun)))
        await _document(registry, tag, document.digest)
    return Verified(tag, tree, top)


async def _document(registry: Registry, tag: ReleaseTag, wanted: Digest | None) -> Document:
    document = await registry.manifest(tag.tag)
    if document is None:
        raise TagMissing(f"the registry has no tag {tag}", remedy=f"{_PUBLISH} {tag}")
    if wanted and document.digest != wanted:
        raise TagConflict(
            f"{tag} holds {document.digest}, not {wanted}",
            remedy="find out who moved the tag; deploy by digest, never by this tag",
        )
    return document


async def _verify_latest(
    registry: Registry, known: tuple[ReleaseTag, Document], zone: tzinfo, clock: Clock
) -> ReleaseTag:
    """Hold `latest` against the newest release, giving a publisher at work the time to move it."""
    begun = clock.monotonic_s()
    while True:
        found = await newest_release(registry, await registry.tags(), zone, known)
        top, document = found or known
        latest = await registry.manifest(LATEST)
        if latest and latest.digest == document.digest:
            return top
        if clock.monotonic_s() - begun > PUBLISHER_S:
            held = latest.digest if latest else "missing"
            raise TagsDisagree(
                f"latest is {held}, the newest release {top} is {document.digest}",
                remedy=f"publish the newest again, which moves latest: {_PUBLISH} {top}",
            )
        await clock.sleep(AGREEMENT_S)


async def newest_release(
    registry: Registry,
    names: tuple[str, ...],
    zone: tzinfo,
    known: tuple[ReleaseTag, Document] | None = None,
) -> tuple[ReleaseTag, Document] | None:
    """Find the newest release tag whose tree is all there.

    Args:
        known: a release that was verified just now; a lagging read must not make it disappear.
    """
    waiting, now = set(names), await registry.now()
    while top := newest(waiting, zone, now):
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


async def read_held(registry: Registry, tag: Tag) -> Held | None:
    """Read what a tag holds and what its first image says of itself."""
    document = await registry.manifest(tag)
    if document is None:
        return None
    try:
        labels = await _first_labels(registry, document)
    except VerificationError:
        # Something from before this tool, or from another one: it says nothing to us.
        labels = {}
    return Held(document.digest, *labels_of_release(labels))


async def _first_labels(registry: Registry, document: Document) -> Mapping[str, str]:
    for _, child in await _children(registry, document, depth=DEPTH):
        parsed = parse_document(child) if child else None
        if isinstance(parsed, Manifest) and (raw := await registry.blob(parsed.config)):
            return parse_config(raw).labels
    return {}


async def read_tree(registry: Registry, document: Document) -> Tree:
    """Read everything that a manifest or index leads to; what is missing is noted, not raised."""
    children = await _children(registry, document, depth=DEPTH)
    attestations = tuple(d.digest for d, _ in children if d.platform and d.platform.is_unknown)
    images = []
    for descriptor, child in children:
        if not (descriptor.platform and descriptor.platform.is_unknown):
            images.append(await _image(registry, descriptor, child))
    return Tree(document.digest, tuple(images), attestations)


async def _children(
    registry: Registry, document: Document, *, depth: int
) -> list[tuple[Descriptor, Document | None]]:
    """List the manifests under a document, through nested indexes."""
    parsed = parse_document(document)
    if not isinstance(parsed, Index):
        own = Descriptor(document.media_type, document.digest, len(document.raw))
        return [(own, document)]
    if depth == 0:
        raise ManifestInvalid(f"indexes nested deeper than {DEPTH}", remedy=REMEDY)
    found: list[tuple[Descriptor, Document | None]] = []
    for descriptor in parsed.manifests:
        child = await registry.manifest(descriptor.digest)
        if child and isinstance(parse_document(child), Index):
            found += await _children(registry, child, depth=depth - 1)
        else:
            found.append((descriptor, child))
    return found


async def _image(registry: Registry, descriptor: Descriptor, child: Document | None) -> Image:
    parsed = parse_document(child) if child else None
    if not isinstance(parsed, Manifest):
        return Image(descriptor, None, (), (f"manifest {descriptor.digest} is missing",))
    raw = await registry.blob(parsed.config)
    absent = [] if raw is not None else [f"config {parsed.config.digest} is missing"]
    looks = [partial(_look, registry, layer) for layer in dict.fromkeys(parsed.layers)]
    absent += filter(None, await together(looks, at_once=AT_ONCE))
    config = parse_config(raw) if raw is not None else None
    return Image(descriptor, config, parsed.layers, tuple(absent))


async def _look(registry: Registry, layer: Descriptor) -> str:
    size = await registry.blob_size(layer.digest)
    if size is None:
        return f"layer {layer.digest} is missing"
    # -1: the registry does not say how large it is.
    if size not in (layer.size_bytes, -1):
        return f"layer {layer.digest} has {size} bytes, not {layer.size_bytes}"
    return ""
