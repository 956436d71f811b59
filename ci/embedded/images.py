"""Containers as OCI images: manifest, config, index; pushed or as a tarball."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.embedded.archive import spool
from ci.embedded.errors import EngineError, LayerTooLarge, Unsupported
from ci.embedded.layers import Layer
from ci.embedded.media import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
)
from ci.embedded.pull import fetch
from ci.embedded.push import push_blob, push_manifest
from ci.embedded.reference import Repository, parse_reference
from ci.embedded.rootfs import Scratch
from ci.embedded.session import Session
from ci.embedded.tree import Entry

if TYPE_CHECKING:
    from ci.embedded.types.container import Container


# Source: GitHub's documentation of its registry, "Container size limits": 10 GB a layer.
LAYER_LIMIT_BYTES = {"ghcr.io": 10_000_000_000}
# More of them, for registries that refuse large layers too: `registry=bytes,registry=bytes`.
LAYER_LIMITS = "CI_EMBEDDED_LAYER_LIMITS"


@dataclass(frozen=True)
class OciImage:
    """One platform, ready to be sent."""

    platform: str
    manifest: bytes
    config: bytes
    layers: list[Layer]

    def descriptor(self) -> dict[str, Any]:
        """The entry in an index."""
        system, architecture, *variant = self.platform.split("/")
        platform = {
            "architecture": architecture,
            "os": system,
            **({"variant": variant[0]} if variant else {}),
        }
        return {**_descriptor(OCI_MANIFEST, self.manifest), "platform": platform}


def digest_of(raw: bytes) -> str:
    """The OCI digest of some bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _descriptor(media_type: str, raw: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(raw), "size": len(raw)}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def variants(
    container: Container,
    others: Sequence[Container],
    forced_compression: str | None,
    media_types: str,
) -> list[Container]:
    """The containers that make one image; what cannot be done is refused."""
    if forced_compression not in (None, "Gzip", "GZIP"):
        raise Unsupported(f"forcedCompression={forced_compression}")
    if media_types not in ("OCIMediaTypes", "OCI"):
        raise Unsupported(f"mediaTypes={media_types}")
    is_empty = isinstance(container.filesystem, Scratch)
    return list(others) if others and is_empty else [container, *others]


async def assemble(container: Container) -> OciImage:
    """Manifest and config of a container, with its layers where they can be sent from."""
    await container.filesystem.evaluate()
    layers, below = await asyncio.gather(
        container.filesystem.layers(), container.filesystem.history()
    )
    system, architecture, *variant = container.platform.split("/")
    config = {
        **({"created": below["created"]} if "created" in below else {}),
        "architecture": architecture,
        "os": system,
        **({"variant": variant[0]} if variant else {}),
        "config": container.config.render(),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": _history(below.get("history") or [], len(layers)),
    }
    raw = _json(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(OCI_CONFIG, raw),
        "layers": [
            {"mediaType": OCI_LAYER, "digest": layer.digest, "size": layer.size} for layer in layers
        ],
    }
    if container.config.annotations:
        manifest["annotations"] = dict(container.config.annotations)
    return OciImage(container.platform, _json(manifest), raw, layers)


def _history(below: list[dict[str, Any]], layers: int) -> list[dict[str, Any]]:
    """The history with exactly one entry for each layer, as readers of it expect."""
    missing = layers - sum(not entry.get("empty_layer") for entry in below)
    added = [{"created_by": "files added", "comment": "ci.embedded"}] * missing
    return [*below, *added] if missing >= 0 else [{"comment": "ci.embedded"}] * layers


async def publish(
    session: Session, containers: Sequence[Container], address: str, *, via: str
) -> str:
    """Push one image or an index; returns ``registry/repository:tag@digest``."""
    reference = parse_reference(address)
    target = reference.repository._replace(via=via)
    images = await asyncio.gather(*(assemble(container) for container in containers))
    for image in images:
        session.log(f"push {image.platform} to {address}: {len(image.layers)} layers")
    refuse_too_large(target.host, images, layer_limits(session.environ.get(LAYER_LIMITS, "")))
    await _push_blobs(session, target, images)
    registries = session.registries
    if len(images) == 1:
        digest = await push_manifest(
            registries, target, reference.tag, images[0].manifest, OCI_MANIFEST
        )
    else:
        await asyncio.gather(
            *(
                push_manifest(registries, target, digest_of(i.manifest), i.manifest, OCI_MANIFEST)
                for i in images
            )
        )
        digest = await push_manifest(registries, target, reference.tag, index_of(images), OCI_INDEX)
    return f"{target.host}/{target.path}:{reference.tag}@{digest}"


def layer_limits(more: str) -> dict[str, int]:
    """How large a layer each registry takes, as far as that is known."""
    try:
        given = [each.rpartition("=")[::2] for each in more.split(",") if each]
        return LAYER_LIMIT_BYTES | {host.strip(): int(limit) for host, limit in given}
    except ValueError:
        raise EngineError(f"{LAYER_LIMITS}={more} is not registry=bytes,registry=bytes") from None


def refuse_too_large(host: str, images: Sequence[OciImage], limits: Mapping[str, int]) -> None:
    """Refuse before the first byte what the registry would refuse after the last one."""
    limit = limits.get(host)
    for image in images:
        for layer in image.layers:
            if limit is not None and layer.size > limit:
                size = f"{layer.digest} of {image.platform} has {layer.size} bytes"
                raise LayerTooLarge(f"layer {size}; {host} takes {limit} a layer")


def index_of(images: Sequence[OciImage]) -> bytes:
    """The index over several platforms."""
    manifests = [image.descriptor() for image in images]
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests})


async def _push_blobs(session: Session, target: Repository, images: Sequence[OciImage]) -> None:
    blobs = {layer.digest: layer for image in images for layer in image.layers}
    for image in images:
        session.store.put_bytes(image.config)
        blobs[digest_of(image.config)] = Layer("", digest_of(image.config), len(image.config))
    pushes = (
        push_blob(session.registries, target, b.digest, b.size, b.source) for b in blobs.values()
    )
    await asyncio.gather(*pushes)


async def tarball(session: Session, containers: Sequence[Container]) -> Entry:
    """An OCI layout as one tar file, which `docker load` reads as well."""
    images = await asyncio.gather(*(assemble(container) for container in containers))
    blobs = {layer.digest: layer for image in images for layer in image.layers}
    for layer in blobs.values():
        if layer.source is not None:
            await fetch(session.registries, layer.source, layer.digest)
    for image in images:
        session.store.put_bytes(image.config)
        session.store.put_bytes(image.manifest)
    digest, size = await asyncio.to_thread(_write_layout, session, images)
    return Entry("f", 0o600, content=digest, size=size)


def _write_layout(session: Session, images: Sequence[OciImage]) -> tuple[str, int]:
    names = {layer.digest[7:] for image in images for layer in image.layers}
    names |= {digest_of(raw)[7:] for image in images for raw in (image.config, image.manifest)}
    index = {"schemaVersion": 2, "manifests": [image.descriptor() for image in images]}
    docker = [
        {
            "Config": f"blobs/sha256/{digest_of(image.config)[7:]}",
            "RepoTags": None,
            "Layers": [f"blobs/sha256/{layer.digest[7:]}" for layer in image.layers],
        }
        for image in images
    ]
    texts = {
        "index.json": index,
        "manifest.json": docker,
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
    }
    with spool() as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for folder in ("blobs", "blobs/sha256"):
                info = tarfile.TarInfo(folder)
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            for name in sorted(names):
                with session.store.blob_path(name).open("rb") as blob:
                    tar.addfile(
                        _file(f"blobs/sha256/{name}", session.store.blob_path(name).stat().st_size),
                        blob,
                    )
            for name, value in texts.items():
                raw = _json(value)
                tar.addfile(_file(name, len(raw)), io.BytesIO(raw))
        out.seek(0)
        return session.store.put_stream(out)  # type: ignore[arg-type]


def _file(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info
