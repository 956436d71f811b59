"""Which image of a release a server runs."""

from ci.decisions.labels import VERSION
from ci.decisions.plan import Target
from ci.decisions.tree import Image, Tree
from ci.errors import AmbiguousPlatform, PlatformMissing, State, TreeIncomplete
from ci.oci.digest import Digest
from ci.oci.platform import Platform
from ci.oci.reference import Repository
from ci.oci.text import shown
from ci.transaction_errors import ReleaseInvalid


def choose_image(tree: Tree, platform: Platform) -> Image:
    """Choose the image that a server of a platform runs.

    Raises:
        PlatformMissing: the release has none.
        AmbiguousPlatform: several, and the server does not say which of them.
    """
    same = (platform.os, platform.architecture)
    found = [
        image
        for image in tree.images
        if image.platform and (image.platform.os, image.platform.architecture) == same
    ]
    if not found:
        there = ", ".join(str(image.platform) for image in tree.images) or "none"
        raise PlatformMissing(
            f"the server is {platform}, the release has {there}",
            remedy=f"add {platform} to [build] platforms in ci.toml and publish a new release",
            state=State.S3,
        )
    if len(found) > 1:
        variants = ", ".join(str(image.platform) for image in found)
        raise AmbiguousPlatform(
            f"the server is {platform} and does not say which of {variants} it runs",
            remedy="release one variant of that architecture only",
            state=State.S3,
        )
    return found[0]


def target_of(repository: Repository, tag: str, tree: Tree, platform: Platform) -> Target:
    """Name what a server of a platform is to run of a release.

    Raises:
        TreeIncomplete: the registry does not have its config.
    """
    image = choose_image(tree, platform)
    if image.config is None or image.config_digest is None or image.absent:
        raise TreeIncomplete(
            "; ".join(image.absent) or f"{image.descriptor.digest} has no config",
            remedy="publish again under a new tag",
            state=State.S3,
        )
    return Target(
        repository,
        tag,
        tree.digest,
        image.descriptor.digest,
        image.config_digest,
        platform,
        image.size_bytes,
    )


def version_of(tree: Tree) -> str:
    """The release that a tree's images say they are of; "" when they do not say."""
    configs = [image.config for image in tree.images if image.config]
    return configs[0].labels.get(VERSION, "") if configs else ""


def check_asked(tag: str, digest: str) -> None:
    """Insist on a tag, a digest, or both.

    Raises:
        ReleaseInvalid: neither is given.
    """
    if not tag and not digest:
        raise ReleaseInvalid(
            "neither a tag nor a digest is given", remedy="deploy --tag YYYYMMDD-HHMMSS"
        )


def no_release(digest: Digest, found: str) -> ReleaseInvalid:
    """The error where a digest is of no release."""
    return ReleaseInvalid(
        f"{digest} calls itself {shown(found)}, which is no release tag",
        remedy="deploy what publish made; its images' labels name their release",
    )
