"""Pushing to a registry: blobs that it has not, then the manifests that name them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx

from ci.embedded.patience import ATTEMPTS, backoff_s, wait_s
from ci.embedded.pull import fetch
from ci.embedded.reference import RegistryError, Repository
from ci.embedded.registry import Registries, checked


async def push_blob(
    registries: Registries, target: Repository, digest: str, size: int, source: Repository | None
) -> None:
    """Have a blob there: already, mounted from a neighbour, or uploaded from the store."""
    head = await registries.send(target, "HEAD", f"blobs/{digest}", push=True)
    if head.status_code == 200:
        return
    neighbour = source is not None and source.host == target.host
    query = {"mount": digest, "from": source.path} if source and neighbour else {}
    if source and not neighbour:
        await fetch(registries, source, digest)
    for attempt in range(ATTEMPTS):
        start = await registries.send(target, "POST", "blobs/uploads/", push=True, params=query)
        if start.status_code == 201:
            return
        if source and neighbour:
            await fetch(registries, source, digest)
        location = checked(start).headers["location"]
        again_s = await _upload(registries, target, location, digest, size, attempt)
        if again_s is None:
            return
        await asyncio.sleep(again_s)
    raise RegistryError(
        f"pushing blob {digest} to {target.host}/{target.path} failed {ATTEMPTS} times"
    )


async def _upload(
    registries: Registries, target: Repository, location: str, digest: str, size: int, attempt: int
) -> float | None:
    """Send a blob in one request; seconds until the next try, None when it is there."""
    url = (
        httpx.URL(location)
        if "://" in location
        else httpx.URL(registries.base(target)).join(location)
    )
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    url = url.copy_merge_params({"digest": digest})
    try:
        response = await registries.authorized(
            target,
            "PUT",
            url,
            push=True,
            headers=headers,
            content=lambda: _read_blob(registries, digest),
        )
    except httpx.TransportError:
        return backoff_s(attempt)
    if response.status_code == 404:
        # The upload is forgotten: begin another.
        return backoff_s(attempt)
    again_s = wait_s(response, attempt)
    if again_s is None:
        checked(response)
    return again_s


async def _read_blob(registries: Registries, digest: str) -> AsyncIterator[bytes]:
    with registries.store.blob_path(digest.removeprefix("sha256:")).open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


async def push_manifest(
    registries: Registries, target: Repository, identifier: str, raw: bytes, media_type: str
) -> str:
    """Put a manifest; returns its digest."""
    headers = {"Content-Type": media_type}
    checked(
        await registries.send(
            target, "PUT", f"manifests/{identifier}", push=True, headers=headers, body=raw
        )
    )
    return "sha256:" + hashlib.sha256(raw).hexdigest()
