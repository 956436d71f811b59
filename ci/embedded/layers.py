"""Layers of images: taken out of the Docker engine, or packed from a tree."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

from ci.embedded import sink
from ci.embedded.archive import tar_of
from ci.embedded.reference import Repository
from ci.embedded.session import Session
from ci.embedded.store import key_of
from ci.embedded.tree import Tree


class Layer(NamedTuple):
    """A layer as it is pushed; `source` has it when the store has not."""

    diff_id: str
    digest: str
    size: int
    source: Repository | None = None


async def take_image(
    session: Session, image: str, known: Sequence[Layer]
) -> tuple[list[Layer], dict[str, Any]]:
    """An image's layers, brought into the store where no registry has them, and its config."""
    key = key_of("layers", image, [layer.digest for layer in known])
    if found := session.store.get(key):
        layers = [_layer(row) for row in found["layers"]]
        if all(layer.source or session.store.has_blob(layer.digest[7:]) for layer in layers):
            return layers, found["config"]
    docker = await session.docker()
    session.log(f"take layers of {image[:19]}")
    by_digest = {layer.digest: layer for layer in known}
    manifest = await sink.receive(docker, session.store, image, by_digest)
    config = json.loads(
        session.store.read_bytes(manifest["config"]["digest"].removeprefix("sha256:"))
    )
    layers = []
    for diff_id, layer in zip(config["rootfs"]["diff_ids"], manifest["layers"], strict=True):
        if known_layer := by_digest.get(layer["digest"]):
            layers.append(known_layer)
            continue
        digest = layer["digest"]
        # Docker leaves the size out where the sink said that it knows the layer.
        size = layer.get("size") or session.store.blob_path(digest[7:]).stat().st_size
        layers.append(Layer(diff_id, digest, size))
    session.store.put(key, {"layers": layers, "config": config})
    return layers, config


def _layer(row: list[Any]) -> Layer:
    diff_id, digest, size, source = row
    return Layer(diff_id, digest, size, Repository(*source) if source else None)


async def pack_layer(session: Session, tree: Tree) -> Layer:
    """A tree as a compressed layer in the store."""
    key = f"layer:{session.store.put_tree(tree)}"
    if found := session.store.get(key):
        layer = _layer(found)
        if session.store.has_blob(layer.digest[7:]):
            return layer
    layer = await asyncio.to_thread(_pack, session, tree)
    session.store.put(key, layer)
    return layer


def _pack(session: Session, tree: Tree) -> Layer:
    with (
        tar_of(tree, session.store) as tar,
        tempfile.TemporaryFile(dir=session.store.root / "tmp") as packed,
    ):
        diff_id = _sha256(tar)
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as gz:
            shutil.copyfileobj(tar, gz, 1 << 20)
        packed.seek(0)
        digest, size = session.store.put_stream(packed)
    return Layer(diff_id, f"sha256:{digest}", size)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return f"sha256:{digest.hexdigest()}"
