"""An image out of Docker by `docker save`, where Docker cannot push to this machine."""

from __future__ import annotations

import asyncio
import json
import tarfile
from collections.abc import Sequence
from typing import IO, Any

from ci.embedded.docker import Docker
from ci.embedded.layers import Layer, compressed
from ci.embedded.store import Store


async def receive(
    docker: Docker, store: Store, image: str, known: Sequence[Layer]
) -> tuple[list[Layer], dict[str, Any]]:
    """An image's layers and its config; every layer is sent, and those not known are kept."""
    archive = await docker.download(f"/images/{image}/get")
    return await asyncio.to_thread(_read, archive, store, known)


def _read(
    archive: IO[bytes], store: Store, known: Sequence[Layer]
) -> tuple[list[Layer], dict[str, Any]]:
    by_diff_id = {layer.diff_id: layer for layer in known}
    with archive, tarfile.open(fileobj=archive) as tar:
        listed = json.load(_member(tar, "manifest.json"))[0]
        config: dict[str, Any] = json.load(_member(tar, listed["Config"]))
        layers = []
        for diff_id, name in zip(config["rootfs"]["diff_ids"], listed["Layers"], strict=True):
            layers.append(by_diff_id.get(diff_id) or compressed(_member(tar, name), store))
    return layers, config


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise tarfile.ReadError(f"{name} is no file of the saved image")
    return file
