"""Judging a release's tree: each way it can be wrong, by its own error."""

from dataclasses import replace

import pytest

from ci.decisions.labels import FINGERPRINT, REVISION, VERSION
from ci.decisions.tree import Expected, Image, Tree, judge_tree
from ci.errors import (
    AmbiguousPlatform,
    LabelsDisagree,
    ManifestInvalid,
    PlatformLie,
    PlatformMissing,
    TreeIncomplete,
)
from ci.oci.descriptor import Descriptor
from ci.oci.digest import digest_of
from ci.oci.manifest import OCI_MANIFEST, ImageConfig
from ci.oci.platform import parse_platform

AMD64, ARM64 = parse_platform("linux/amd64"), parse_platform("linux/arm64")
LABELS = {VERSION: "20260123-170510", FINGERPRINT: "sha256:0", REVISION: "abc"}
LAYERS = (Descriptor("layer", digest_of(b"l"), 1),)
EXPECTED = Expected((AMD64, ARM64), "20260123-170510", "sha256:0")


def image(platform, **labels):
    descriptor = Descriptor(OCI_MANIFEST, digest_of(str(platform).encode()), 1, platform)
    return Image(descriptor, ImageConfig(platform, LABELS | labels, 1), LAYERS)


def tree(*images):
    return Tree(digest_of(b"index"), images)


GOOD = tree(image(AMD64), image(ARM64))


def test_a_whole_tree_is_accepted():
    judge_tree(GOOD, EXPECTED)


def test_one_image_without_an_index_is_accepted_by_its_config():
    alone = replace(image(AMD64), descriptor=Descriptor(OCI_MANIFEST, digest_of(b""), 1))
    judge_tree(tree(alone), replace(EXPECTED, platforms=(AMD64,)))


def test_more_platforms_than_asked_for_are_accepted():
    judge_tree(GOOD, replace(EXPECTED, platforms=(ARM64,)))


LIAR = replace(image(AMD64), descriptor=Descriptor(OCI_MANIFEST, digest_of(b""), 1, ARM64))
V8 = Descriptor(OCI_MANIFEST, digest_of(b""), 1, parse_platform("linux/arm/v6"))
WRONG = {
    "manifest missing": (
        tree(image(AMD64), replace(image(ARM64), config=None, layers=(), absent=("manifest x",))),
        TreeIncomplete,
    ),
    "layer missing": (
        tree(image(AMD64), replace(image(ARM64), absent=("layer x is missing",))),
        TreeIncomplete,
    ),
    "platform missing": (tree(image(AMD64)), PlatformMissing),
    "no image at all": (tree(), PlatformMissing),
    "platform twice": (tree(image(AMD64), image(AMD64), image(ARM64)), AmbiguousPlatform),
    "index lies": (tree(image(AMD64, a="b"), image(ARM64), LIAR), PlatformLie),
    "index lies about the only one": (tree(image(ARM64), LIAR), PlatformLie),
    "another tag": (tree(image(AMD64), image(ARM64, **{VERSION: "other"})), LabelsDisagree),
    "another fingerprint": (
        tree(image(AMD64), image(ARM64, **{FINGERPRINT: "sha256:1"})),
        LabelsDisagree,
    ),
    "no revision": (tree(image(AMD64, **{REVISION: ""}), image(ARM64)), LabelsDisagree),
    "layer count": (tree(replace(image(AMD64), layers=()), image(ARM64)), ManifestInvalid),
}


@pytest.mark.parametrize(("found", "error"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_tree_is_refused_by_its_own_name(found, error):
    with pytest.raises(error) as caught:
        judge_tree(found, EXPECTED)
    assert caught.value.exit_class == 6


def test_every_fault_is_told_at_once():
    both = tree(replace(image(AMD64), absent=("layer one", "layer two")))
    with pytest.raises(TreeIncomplete, match=r"layer one; layer two; linux/arm64 is missing"):
        judge_tree(both, EXPECTED)


def test_the_revision_is_compared_where_it_is_known():
    judge_tree(GOOD, replace(EXPECTED, revision="abc"))
    with pytest.raises(LabelsDisagree):
        judge_tree(GOOD, replace(EXPECTED, revision="abd"))
