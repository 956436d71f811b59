"""Puts the base image into the mirror, by the registry's own API: no Docker needed."""

import hashlib
import json
from pathlib import Path

import httpx

from rehearsal.base_image import INDEX, MANIFEST, REPOSITORY, TAG, blob_path, index_bytes
from rehearsal.errors import BaseImageMissing

TIMEOUT_S = 60


def publish_base(folder: Path, registry: str) -> bool:
    """Put the image under library/python:3.11-slim; False when the mirror has it already."""
    raw = index_bytes(folder)
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    base = f"http://{registry}/v2/{REPOSITORY}"
    with httpx.Client(base_url=base, timeout=TIMEOUT_S, trust_env=False) as client:
        found = client.head(f"/manifests/{TAG}", headers={"Accept": INDEX})
        if found.headers.get("Docker-Content-Digest") == digest:
            return False
        for child in json.loads(raw)["manifests"]:
            manifest = blob_path(folder, child["digest"]).read_bytes()
            document = json.loads(manifest)
            for blob in (document["config"], *document["layers"]):
                _put_blob(client, blob["digest"], blob_path(folder, blob["digest"]))
            _put_manifest(client, child["digest"], MANIFEST, manifest)
        _put_manifest(client, TAG, INDEX, raw)
    return True


def _put_blob(client: httpx.Client, digest: str, path: Path) -> None:
    if client.head(f"/blobs/{digest}").status_code == 200:
        return
    upload = _accepted(client.post("/blobs/uploads/"), 202).headers["Location"]
    target = httpx.URL(str(client.base_url)).join(upload).copy_add_param("digest", digest)
    headers = {"Content-Type": "application/octet-stream"}
    _accepted(client.put(target, content=path.read_bytes(), headers=headers), 201)


def _put_manifest(client: httpx.Client, name: str, media_type: str, raw: bytes) -> None:
    headers = {"Content-Type": media_type}
    _accepted(client.put(f"/manifests/{name}", content=raw, headers=headers), 201)


def _accepted(response: httpx.Response, status: int) -> httpx.Response:
    if response.status_code != status:
        request = response.request
        raise BaseImageMissing(
            f"the mirror answered {response.status_code} to {request.method} {request.url}",
            state="the mirror lacks the base image or holds a part of it",
            remedy="read .local/rehearsal/log/mirror.log; `make clean` starts afresh",
        )
    return response
