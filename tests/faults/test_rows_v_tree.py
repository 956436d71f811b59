"""Rows V10 to V15: what is really wrong with a tree in the registry."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from ci.errors import (
    AmbiguousPlatform,
    ManifestInvalid,
    PipelineError,
    PlatformLie,
    PlatformMissing,
    State,
    TreeIncomplete,
)
from ci.oci.manifest import OCI_INDEX, Document, parse_document
from tests.contract.images import BOTH, Parts, descriptor, image, index, labels_for, release
from tests.faults.bench import SOURCES, Bench, minted

pytestmark = pytest.mark.registry


@dataclass(frozen=True)
class Damage:
    """What is really wrong with the tree in the registry."""

    make: Callable[[Bench, str], Awaitable[None]]
    error: type[PipelineError] | None


async def lose_child(bench: Bench, tag: str) -> None:
    parts = release(tag, str(SOURCES))
    await bench.has(parts, tag, "latest")
    await bench.past_proxy.delete_manifest(parts.children[1].digest)


async def lose_layer(bench: Bench, tag: str) -> None:
    parts = release(tag, str(SOURCES))
    await bench.has(parts, tag, "latest")
    await bench.past_proxy.delete_blob(parse_document(parts.children[0]).layers[0].digest)


def holding(make: Callable[[dict[str, str]], Parts]) -> Callable[[Bench, str], Awaitable[None]]:
    async def put(bench: Bench, tag: str) -> None:
        await bench.has(make(labels_for(tag, str(SOURCES))), tag, "latest")

    return put


def both(labels: dict[str, str]) -> dict[str, Parts]:
    return {platform: image(platform, labels) for platform in BOTH}


def nested(depth: int, labels: dict[str, str]) -> Parts:
    parts = index(both(labels))
    for _ in range(depth):
        raw = {"manifests": [descriptor(parts.top.raw, OCI_INDEX)], "mediaType": OCI_INDEX}
        top = Document(json.dumps({"schemaVersion": 2, **raw}).encode(), OCI_INDEX)
        parts = Parts(top, (*parts.children, parts.top), parts.blobs)
    return parts


def twice(labels: dict[str, str]) -> Parts:
    """An index with a second image for a platform that it has."""
    parts, other = index(both(labels)), image("linux/amd64", labels, "other")
    value = json.loads(parts.top.raw)
    entry = {"platform": {"os": "linux", "architecture": "amd64"}}
    value["manifests"].append(descriptor(other.top.raw, other.top.media_type, **entry))
    top = Document(json.dumps(value).encode(), OCI_INDEX)
    return Parts(top, (*parts.children, other.top), (*parts.blobs, *other.blobs))


def lying(labels: dict[str, str]) -> Parts:
    return index(both(labels) | {"linux/arm64": image("linux/amd64", labels, "other")})


DAMAGES = {
    "V10 child deleted": Damage(lose_child, TreeIncomplete),
    "V11 layer deleted": Damage(lose_layer, TreeIncomplete),
    "V12 no image for arm64": Damage(
        holding(lambda labels: index({"linux/amd64": image("linux/amd64", labels)})),
        PlatformMissing,
    ),
    "V13 says arm64, is amd64": Damage(holding(lying), PlatformLie),
    "V14 with attestations": Damage(
        holding(lambda labels: index(both(labels), [image("unknown/unknown", {})])), None
    ),
    "V15 a platform twice": Damage(holding(twice), AmbiguousPlatform),
    "V15 index in index": Damage(holding(lambda labels: nested(2, labels)), None),
    "V15 nested too deep": Damage(holding(lambda labels: nested(4, labels)), ManifestInvalid),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_rows_of_a_damaged_tree(bench: Bench, damage: Damage):
    tag = minted()
    await damage.make(bench, tag)
    before = bench.observer.tags()
    if damage.error is None:
        found = await bench.verify(tag)
        assert str(found.tree.digest) == before[tag]
        assert bench.observer.holds_tree(tag)
    else:
        with pytest.raises(PipelineError) as caught:
            await bench.verify(tag)
        assert (caught.type, caught.value.state) == (damage.error, State.RO)
    assert bench.observer.tags() == before


async def test_v12_the_error_names_what_there_is(bench: Bench):
    tag = minted()
    await DAMAGES["V12 no image for arm64"].make(bench, tag)
    with pytest.raises(PlatformMissing) as caught:
        await bench.verify(tag)
    assert "linux/arm64 is missing; there is linux/amd64" in caught.value.cause


async def test_v14_attestations_are_listed(bench: Bench):
    tag = minted()
    await DAMAGES["V14 with attestations"].make(bench, tag)
    found = await bench.verify(tag)
    assert len(found.tree.attestations) == 1
