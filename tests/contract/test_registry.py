"""What every registry does, and what the simulator therefore does too."""

from datetime import UTC, datetime

import pytest

from ci.errors import PermissionMissing, RequestRefused
from ci.oci.descriptor import Descriptor
from ci.oci.digest import digest_of
from ci.oci.manifest import Document, parse_document
from ci.oci.reference import parse_tag
from tests.contract.images import release

TAG, OTHER = parse_tag("20260123-170510"), parse_tag("20260123-170511")
RELEASE = release(TAG.text, "sha256:0")
NEXT = release(OTHER.text, "sha256:0")


async def test_a_pushed_manifest_comes_back_byte_for_byte(kit):
    await kit.put(RELEASE)
    async with kit.open() as registry:
        await registry.push_manifest(TAG, RELEASE.top)
        assert await registry.manifest(TAG) == RELEASE.top
        assert await registry.manifest(RELEASE.top.digest) == RELEASE.top
        child = RELEASE.children[0]
        assert await registry.manifest(child.digest) == child


async def test_odd_but_valid_bytes_are_kept(kit):
    await kit.put(RELEASE)
    odd = Document(RELEASE.top.raw.replace(b": ", b":\n\t"), RELEASE.top.media_type)
    async with kit.open() as registry:
        await registry.push_manifest(TAG, odd)
        assert (await registry.manifest(TAG)).raw == odd.raw


async def test_what_is_not_there_is_none(kit):
    async with kit.open() as registry:
        nowhere = digest_of(b"nowhere")
        assert await registry.manifest(TAG) is None
        assert await registry.manifest(nowhere) is None
        assert await registry.blob_size(nowhere) is None
        assert await registry.blob(Descriptor("x", nowhere, 1)) is None
        assert await registry.tags() == ()


async def test_a_blob_is_read_and_measured(kit):
    await kit.put(RELEASE)
    raw = RELEASE.blobs[0]
    async with kit.open() as registry:
        assert await registry.blob(Descriptor("x", digest_of(raw), len(raw))) == raw
        assert await registry.blob_size(digest_of(raw)) == len(raw)


async def test_a_tag_moves_without_asking(kit):
    await kit.put(RELEASE)
    await kit.put(NEXT)
    async with kit.open() as registry:
        await registry.push_manifest(TAG, RELEASE.top)
        await registry.push_manifest(TAG, NEXT.top)
        assert await registry.manifest(TAG) == NEXT.top


async def test_every_tag_is_listed(kit):
    await kit.put(RELEASE)
    async with kit.open() as registry:
        for tag in (TAG, OTHER, parse_tag("latest")):
            await registry.push_manifest(tag, RELEASE.top)
        assert sorted(await registry.tags()) == ["20260123-170510", "20260123-170511", "latest"]


async def test_a_manifest_whose_parts_are_missing_is_refused(kit):
    async with kit.open() as registry:
        with pytest.raises(RequestRefused):
            await registry.push_manifest(TAG, RELEASE.top)
        assert await registry.manifest(TAG) is None


async def test_a_probe_leaves_nothing_behind(kit):
    async with kit.open() as registry:
        await registry.probe_push()
        assert await registry.tags() == ()


async def test_a_reader_may_not_push(kit):
    await kit.put(RELEASE)
    async with kit.open(may_push=False) as registry:
        with pytest.raises(PermissionMissing):
            await registry.probe_push()
        with pytest.raises(PermissionMissing):
            await registry.push_manifest(TAG, RELEASE.top)


async def test_a_reader_may_read(kit):
    await kit.put(RELEASE)
    async with kit.open(may_push=False) as registry:
        assert await registry.manifest(RELEASE.top.digest) == RELEASE.top


async def test_deleted_parts_are_none_though_the_tag_is_there(kit):
    await kit.put(RELEASE)
    async with kit.open() as registry:
        await registry.push_manifest(TAG, RELEASE.top)
        await kit.delete_manifest(RELEASE.children[1].digest)
        layer = parse_document(RELEASE.children[0]).layers[0]
        await kit.delete_blob(layer.digest)
        assert await registry.manifest(TAG) == RELEASE.top
        assert await registry.manifest(RELEASE.children[1].digest) is None
        assert await registry.blob_size(layer.digest) is None


async def test_the_registry_tells_the_time(kit):
    async with kit.open() as registry:
        assert abs((await registry.now() - datetime.now(UTC)).total_seconds()) < 5
