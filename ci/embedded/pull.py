"""Pulling from a registry: what a reference names, and blobs into the store."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ci.embedded.media import ACCEPT, choose_platform
from ci.embedded.reference import Reference, RegistryError, Repository
from ci.embedded.registry import Registries, checked

MANIFEST_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True)
class Image:
    """One platform's image in a registry, with its raw JSON parsed."""

    repository: Repository
    digest: str
    manifest: dict[str, Any]
    config: dict[str, Any]


async def resolve(registries: Registries, reference: Reference, platform: str) -> tuple[str, Image]:
    """The digest that the reference names now, and the image of one platform behind it."""
    top, manifest = await _manifest(
        registries, reference.repository, reference.digest or reference.tag
    )
    digest = top
    if "manifests" in manifest:
        digest = choose_platform(manifest, platform)
        _, manifest = await _manifest(registries, reference.repository, digest)
    config = json.loads(
        await _blob_bytes(registries, reference.repository, manifest["config"]["digest"])
    )
    return top, Image(reference.repository, digest, manifest, config)


async def _manifest(
    registries: Registries, repository: Repository, identifier: str
) -> tuple[str, dict[str, Any]]:
    response = await registries.send(
        repository, "GET", f"manifests/{identifier}", headers={"Accept": ACCEPT}
    )
    if response.status_code == 404:
        raise RegistryError("not found")
    raw = checked(response).content
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if ":" in identifier and digest != identifier:
        raise RegistryError(f"{repository.path}@{identifier}: the registry sent {digest}")
    if len(raw) > MANIFEST_LIMIT_BYTES:
        raise RegistryError(
            f"{repository.path}:{identifier}: manifest of {len(raw)} bytes is too large"
        )
    return digest, json.loads(raw)


async def _blob_bytes(registries: Registries, repository: Repository, digest: str) -> bytes:
    await fetch(registries, repository, digest)
    return registries.store.read_bytes(digest.removeprefix("sha256:"))


async def fetch(registries: Registries, repository: Repository, digest: str) -> None:
    """Bring a blob into the store, hashed on the way."""
    if registries.store.has_blob(digest.removeprefix("sha256:")):
        return
    response = await registries.send(repository, "GET", f"blobs/{digest}", stream=True)
    try:
        with registries.store.writer() as writer:
            if response.status_code != 200:
                await response.aread()
            async for chunk in checked(response).aiter_raw():
                writer.write(chunk)
            got, _ = writer.commit()
    finally:
        await response.aclose()
    if f"sha256:{got}" != digest:
        raise RegistryError(f"{repository.path}: blob {digest} came as sha256:{got}")
