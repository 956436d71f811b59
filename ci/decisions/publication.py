"""What a publication does next, given what the registry holds."""

from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum

from ci.decisions.tags import ReleaseTag
from ci.decisions.tree import Expected
from ci.errors import TagConflict
from ci.oci.digest import Digest
from ci.oci.platform import Platform


@dataclass(frozen=True, slots=True)
class Held:
    """What a tag holds: the digest, and what the image says of itself ("" when it does not)."""

    digest: Digest
    version: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be published."""

    tag: ReleaseTag
    fingerprint: Digest
    platforms: tuple[Platform, ...]
    zone: tzinfo

    @property
    def expected(self) -> Expected:
        """What the images must say of themselves."""
        return Expected(self.platforms, str(self.tag), str(self.fingerprint))


class Step(Enum):
    """Where a publication begins."""

    BUILD = "nothing of this release is in the registry"
    RESUME = "an earlier run pushed this release and stopped before its tag"
    CONFIRM = "the tag holds this release already"


def plan_publication(
    tag: ReleaseTag, wanted: Digest, *, at_tag: Held | None, at_unverified: Held | None
) -> Step:
    """Choose where to begin.

    Raises:
        TagConflict: the tag holds another release; tags are written once.
    """
    if at_tag:
        if is_release(at_tag, tag, wanted):
            return Step.CONFIRM
        raise tag_taken(tag, at_tag)
    if at_unverified and is_release(at_unverified, tag, wanted):
        return Step.RESUME
    return Step.BUILD


def tag_taken(tag: ReleaseTag, held: Held) -> TagConflict:
    """Say that the tag holds something else."""
    what = f"fingerprint {held.fingerprint}" if held.fingerprint else "an image not made here"
    return TagConflict(
        f"{tag} is taken: it holds {held.digest} ({what}), not these sources",
        remedy="publish under a new tag: ./daggerw call publish --tag $(./daggerw call tag)",
    )


class Reading(Enum):
    """What one read of a tag means after we wrote it."""

    OURS = "the digest that was put"
    LAG = "the state before the write; the registry lags"
    FOREIGN = "a third digest; another writer moved the tag"


def judge_read(seen: Digest | None, *, put: Digest, before: Digest | None) -> Reading:
    """Read a tag three ways: ours, still the old state, or somebody else's."""
    if seen == put:
        return Reading.OURS
    return Reading.LAG if seen is None or seen == before else Reading.FOREIGN


def is_release(held: Held, tag: ReleaseTag, wanted: Digest) -> bool:
    """Say whether what a tag holds is this release, whoever built it."""
    return held.version == str(tag) and held.fingerprint == str(wanted)
