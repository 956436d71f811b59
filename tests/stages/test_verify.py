"""Verifying a release: on the simulator, and on a real registry that was really damaged."""

from datetime import UTC

import pytest

from ci.decisions.labels import REVISION
from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Expected
from ci.errors import (
    LabelsDisagree,
    ManifestInvalid,
    PlatformLie,
    PlatformMissing,
    State,
    TagConflict,
    TagMissing,
    TagsDisagree,
    TreeIncomplete,
)
from ci.oci.digest import digest_of
from ci.oci.manifest import OCI_INDEX, OCI_MANIFEST, parse_document
from ci.oci.platform import parse_platform
from ci.oci.reference import Tag
from ci.verify import Wanted, verify_release
from tests.contract.images import (
    BOTH,
    Parts,
    descriptor,
    document,
    image,
    index,
    labels_for,
    release,
)
from tests.stages.model import FastClock

TAG, NEWER = (parse_release_tag(text, UTC) for text in ("20260123-170510", "20260123-170511"))
PLATFORMS = tuple(map(parse_platform, BOTH))
EXPECTED = Expected(PLATFORMS, TAG.tag.text)
GOOD = release(TAG.tag.text, "sha256:0")


async def published(kit, parts, *tags):
    await kit.put(parts)
    async with kit.open() as registry:
        for tag in tags or (TAG.tag.text, "latest"):
            await registry.push_manifest(Tag(tag), parts.top)


async def verify(kit, expected=EXPECTED, digest=None, clock=None):
    async with kit.open(may_push=False) as registry:
        return await verify_release(
            registry, TAG, expected, wanted=Wanted(digest), zone=UTC, clock=clock or FastClock()
        )


async def test_a_whole_release_is_verified(kit):
    await published(kit, GOOD)
    clock = FastClock()
    found = await verify(kit, digest=GOOD.top.digest, clock=clock)
    assert [str(each.platform) for each in found.tree.images] == list(BOTH)
    assert found.tree.digest == GOOD.top.digest
    assert found.newest == TAG
    assert clock.spent_s == 1.0


async def test_a_missing_tag_is_told_with_the_command_that_makes_it(kit):
    with pytest.raises(TagMissing, match=f"publish --tag {TAG}") as caught:
        await verify(kit)
    assert caught.value.state is State.RO


async def test_another_digest_than_expected_is_refused(kit):
    await published(kit, GOOD)
    with pytest.raises(TagConflict):
        await verify(kit, digest=digest_of(b"another"))


async def test_a_missing_child_is_found_behind_a_good_tag(kit):
    await published(kit, GOOD)
    await kit.delete_manifest(GOOD.children[1].digest)
    with pytest.raises(TreeIncomplete, match=f"manifest {GOOD.children[1].digest}"):
        await verify(kit)


@pytest.mark.parametrize("part", ["config", "layer"])
async def test_a_missing_blob_is_found_behind_a_good_tag(kit, part):
    await published(kit, GOOD)
    manifest = parse_document(GOOD.children[0])
    lost = manifest.config if part == "config" else manifest.layers[0]
    await kit.delete_blob(lost.digest)
    with pytest.raises(TreeIncomplete, match=f"{part} {lost.digest}"):
        await verify(kit)


async def test_latest_that_is_not_the_newest_release_is_told(kit):
    newer = release(NEWER.tag.text, "sha256:0")
    await published(kit, GOOD)
    await published(kit, newer, NEWER.tag.text)
    with pytest.raises(TagsDisagree) as caught:
        await verify(kit)
    assert str(GOOD.top.digest) in caught.value.cause
    assert str(newer.top.digest) in caught.value.cause


async def test_a_missing_latest_is_told(kit):
    await published(kit, GOOD, TAG.tag.text)
    with pytest.raises(TagsDisagree, match="latest is missing"):
        await verify(kit)


async def test_an_older_release_is_verified_beside_a_newer_one(kit):
    await published(kit, GOOD, TAG.tag.text)
    await published(kit, release(NEWER.tag.text, "sha256:0"), NEWER.tag.text, "latest")
    assert (await verify(kit)).newest == NEWER


LABELS = labels_for(TAG.tag.text, "sha256:0")
ONE = image("linux/amd64", LABELS)


def nested(depth):
    parts = index({"linux/amd64": ONE})
    for _ in range(depth):
        top = document(OCI_INDEX, manifests=[descriptor(parts.top.raw, OCI_INDEX)])
        parts = Parts(top, (*parts.children, parts.top), parts.blobs)
    return parts


def extra_layer():
    manifest = parse_document(ONE.top)
    described = descriptor(ONE.blobs[1], manifest.layers[0].media_type)
    config = descriptor(ONE.blobs[0], manifest.config.media_type)
    return Parts(document(OCI_MANIFEST, config=config, layers=[described] * 2), (), ONE.blobs)


WRONG = {
    "platform missing": (index({"linux/amd64": ONE}), PlatformMissing),
    "built for one platform, filed under both": (
        index({on: image("linux/amd64", LABELS, on) for on in BOTH}),
        PlatformLie,
    ),
    "index lies": (
        index({"linux/arm64": ONE, "linux/amd64": image("linux/arm64", LABELS)}),
        PlatformLie,
    ),
    "another tag's image": (release(NEWER.tag.text, "sha256:0"), LabelsDisagree),
    "no labels": (index({on: image(on, {}) for on in BOTH}), LabelsDisagree),
    "nested too deep": (nested(3), ManifestInvalid),
    "more layers than the config says": (
        index({"linux/amd64": extra_layer(), "linux/arm64": image("linux/arm64", LABELS)}),
        ManifestInvalid,
    ),
}


@pytest.mark.parametrize(("parts", "error"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_release_is_refused_by_its_own_name(kit, parts, error):
    await published(kit, parts)
    with pytest.raises(error):
        await verify(kit)


async def test_an_index_inside_an_index_is_read(kit):
    await published(kit, nested(2))
    found = await verify(kit, Expected(PLATFORMS[:1], TAG.tag.text))
    assert len(found.tree.images) == 1


async def test_one_image_without_an_index_is_verified(kit):
    await published(kit, ONE)
    found = await verify(kit, Expected(PLATFORMS[:1], TAG.tag.text))
    assert str(found.tree.images[0].platform) == "linux/amd64"


async def test_attestations_are_listed_and_not_taken_for_images(kit):
    attested = index({on: image(on, LABELS) for on in BOTH}, [image("unknown/unknown", {})])
    await published(kit, attested)
    found = await verify(kit)
    assert (len(found.tree.images), len(found.tree.attestations)) == (2, 1)


async def test_the_revision_is_that_of_the_git_tag(kit):
    await published(kit, GOOD)
    found = await verify(kit, Expected(PLATFORMS, TAG.tag.text, revision="0" * 40))
    assert found.revision == "0" * 40
    with pytest.raises(LabelsDisagree, match=REVISION):
        await verify(kit, Expected(PLATFORMS, TAG.tag.text, revision="1" * 40))
