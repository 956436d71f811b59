"""Layers of images, packed from trees and tars."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import tempfile
from typing import IO, Any, NamedTuple

from ci.embedded.archive import tar_of
from ci.embedded.reference import Repository
from ci.embedded.session import Session
from ci.embedded.store import CHUNK_BYTES, Store
from ci.embedded.tree import Tree


class Layer(NamedTuple):
    """A layer as it is pushed; `source` has it when the store has not."""

    diff_id: str
    digest: str
    size: int
    source: Repository | None = None


def layer_of(row: list[Any]) -> Layer:
    """A layer as the store gives it back."""
    diff_id, digest, size, source = row
    return Layer(diff_id, digest, size, Repository(*source) if source else None)


async def pack_layer(session: Session, tree: Tree) -> Layer:
    """A tree as a compressed layer in the store."""
    key = f"layer:{session.store.put_tree(tree)}"
    if found := session.store.get(key):
        layer = layer_of(found)
        if session.store.has_blob(layer.digest[7:]):
            return layer
    layer = await asyncio.to_thread(_pack, session, tree)
    session.store.put(key, layer)
    return layer


def _pack(session: Session, tree: Tree) -> Layer:
    with tar_of(tree, session.store) as tar:
        return compressed(tar, session.store)


def compressed(tar: IO[bytes], store: Store) -> Layer:
    """A layer in the store, of an uncompressed tar; equal tars give equal layers."""
    diff_id = hashlib.sha256()
    with tempfile.TemporaryFile(dir=store.root / "tmp") as packed:
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as gz:
            while chunk := tar.read(CHUNK_BYTES):
                diff_id.update(chunk)
                gz.write(chunk)
        packed.seek(0)
        digest, size = store.put_stream(packed)
    return Layer(f"sha256:{diff_id.hexdigest()}", f"sha256:{digest}", size)
