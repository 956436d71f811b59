"""Taking an image's layers out of the Docker engine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ci.embedded import saved, sink
from ci.embedded.docker import Docker, DockerError
from ci.embedded.layers import Layer, layer_of
from ci.embedded.session import Session
from ci.embedded.store import key_of

Taken = tuple[list[Layer], dict[str, Any]]


async def take_image(session: Session, image: str, known: Sequence[Layer]) -> Taken:
    """An image's layers, brought into the store where no registry has them, and its config."""
    key = key_of("layers", image, [layer.digest for layer in known])
    if found := session.store.get(key):
        layers = [layer_of(row) for row in found["layers"]]
        if all(layer.source or session.store.has_blob(layer.digest[7:]) for layer in layers):
            return layers, found["config"]
    docker = await session.docker()
    session.log(f"take layers of {image[:19]}")
    layers, config = await _receive(session, docker, image, known)
    session.store.put(key, {"layers": layers, "config": config})
    return layers, config


async def _receive(session: Session, docker: Docker, image: str, known: Sequence[Layer]) -> Taken:
    """By push, which sends what is missing; by save where Docker cannot dial this machine."""
    if session.environ.get("CI_EMBEDDED_TRANSFER") != "save":
        try:
            return await _pushed(session, docker, image, known)
        except DockerError as error:
            session.log(f"docker cannot push to this machine ({error}); saving the whole image")
    return await saved.receive(docker, session.store, image, known)


async def _pushed(session: Session, docker: Docker, image: str, known: Sequence[Layer]) -> Taken:
    by_digest = {layer.digest: layer for layer in known}
    manifest = await sink.receive(docker, session.store, image, by_digest)
    raw = session.store.read_bytes(manifest["config"]["digest"].removeprefix("sha256:"))
    config: dict[str, Any] = json.loads(raw)
    layers = []
    for diff_id, layer in zip(config["rootfs"]["diff_ids"], manifest["layers"], strict=True):
        if known_layer := by_digest.get(layer["digest"]):
            layers.append(known_layer)
            continue
        digest = layer["digest"]
        # Docker leaves the size out where the sink said that it knows the layer.
        size = layer.get("size") or session.store.blob_path(digest[7:]).stat().st_size
        layers.append(Layer(diff_id, digest, size))
    return layers, config
