"""Verify: read a release's whole tree from the registry and judge it."""

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from ci.decisions.labels import REVISION
from ci.decisions.tags import ReleaseTag
from ci.decisions.tree import Expected, Tree, judge_tree
from ci.errors import State, TagConflict, TagMissing, TagsDisagree, reached
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.ports import Clock, Registry
from ci.read import TagsSeen, newest_release, read_tags, read_tree
from ci.together import both

AGREEMENT_S = 1.0
PUBLISHER_S = 5.0
_PUBLISH = "publish it: ./daggerw call publish --tag"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the tag must hold; any release of its name where no digest is given.

    Attributes:
        is_believed: this run saw it there twice, a second apart; one more look will do.
    """

    digest: Digest | None = None
    is_believed: bool = False


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
    wanted: Wanted,
    zone: tzinfo,
    clock: Clock,
) -> Verified:
    """Verify a published release and that `latest` is the newest one.

    Raises:
        TagMissing, TagConflict, TagsDisagree: what the tags hold.
        VerificationError: what is wrong with the tree.
    """

    async def look() -> tuple[Document, float]:
        return await _document(registry, tag, wanted.digest), clock.monotonic_s()

    async def judge() -> tuple[Tree, ReleaseTag]:
        tree = await read_tree(registry, document)
        judge_tree(tree, expected)
        return tree, await _verify_latest(registry, (tag, document), seen, zone, clock)

    with reached(State.RO):
        (document, answered_s), seen = await both(look, partial(read_tags, registry))
        again_s = None if wanted.is_believed else answered_s + AGREEMENT_S
        (tree, top), _ = await both(judge, partial(_agree, registry, tag, document, clock, again_s))
    return Verified(tag, tree, top)


async def _agree(
    registry: Registry, tag: ReleaseTag, document: Document, clock: Clock, again_s: float | None
) -> None:
    """Look again: one read may be an old replica's, two that agree, apart in time, are believed."""
    if again_s is None:
        return
    await clock.sleep(max(0.0, again_s - clock.monotonic_s()))
    await _document(registry, tag, document.digest)


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
    registry: Registry,
    known: tuple[ReleaseTag, Document],
    seen: TagsSeen,
    zone: tzinfo,
    clock: Clock,
) -> ReleaseTag:
    """Hold `latest` against the newest release, giving a publisher at work the time to move it."""
    begun = clock.monotonic_s()
    while True:
        top, document = await newest_release(registry, seen, zone, known) or known
        if seen.latest and seen.latest.digest == document.digest:
            return top
        if clock.monotonic_s() - begun > PUBLISHER_S:
            held = seen.latest.digest if seen.latest else "missing"
            raise TagsDisagree(
                f"latest is {held}, the newest release {top} is {document.digest}",
                remedy=f"publish the newest again, which moves latest: {_PUBLISH} {top}",
            )
        await clock.sleep(AGREEMENT_S)
        seen = await read_tags(registry)
