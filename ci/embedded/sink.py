"""A registry on loopback that takes from `docker push` exactly the layers we lack.

`docker save` would export every layer of the base again; a push asks first which ones are known.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ci.embedded.docker import Docker
from ci.embedded.httpd import Request, Response, listen, port_of
from ci.embedded.store import BlobWriter, Store

_BLOB = re.compile(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})", re.ASCII)
_UPLOAD = re.compile(r"/v2/.+/blobs/uploads/([0-9a-f]+)", re.ASCII)
_DIGEST = re.compile(r"digest=sha256(?::|%3A)([0-9a-f]{64})", re.ASCII)


@dataclass
class Sink:
    """Receives one image; `manifest` is what the engine pushed at the end."""

    store: Store
    known: frozenset[str]
    manifest: dict[str, Any] = field(default_factory=dict)
    _uploads: dict[str, BlobWriter] = field(default_factory=dict)

    async def handle(self, request: Request) -> Response:
        """Answer one request of a push."""
        path, _, query = request.target.partition("?")
        if blob := _BLOB.fullmatch(path):
            return self._blob(blob.group(1))
        if upload := _UPLOAD.fullmatch(path):
            return await self._receive(request, path, self._uploads[upload.group(1)], query)
        if request.method == "POST":
            name = secrets.token_hex(8)
            self._uploads[name] = self.store.writer()
            return _accepted(path + name, 0)
        if request.method == "PUT":
            raw = b"".join([chunk async for chunk in request.body])
            self.manifest = json.loads(raw)
            return Response(
                201, {"docker-content-digest": f"sha256:{hashlib.sha256(raw).hexdigest()}"}
            )
        return Response(200 if path == "/v2/" else 404)

    def _blob(self, digest: str) -> Response:
        path = self.store.blob_path(digest.removeprefix("sha256:"))
        if path.exists():
            size = path.stat().st_size
        elif digest in self.known:
            size = 0
        else:
            return Response(404)
        return Response(200, {"content-length": str(size), "docker-content-digest": digest})

    async def _receive(
        self, request: Request, path: str, writer: BlobWriter, query: str
    ) -> Response:
        async for chunk in request.body:
            writer.write(chunk)
        if request.method == "PATCH":
            return _accepted(path, writer.size_bytes)
        digest, _ = writer.commit()
        if _DIGEST.search(query) is None or digest not in query:
            return Response(400)
        return Response(201, {"location": path, "docker-content-digest": f"sha256:{digest}"})


def _accepted(location: str, size_bytes: int) -> Response:
    return Response(202, {"location": location, "range": f"0-{max(size_bytes - 1, 0)}"})


async def receive(docker: Docker, store: Store, image: str, known: Iterable[str]) -> dict[str, Any]:
    """Take an image out of the engine: returns its manifest; blobs not known are in the store."""
    sink = Sink(store, frozenset(known))
    server = await listen(sink.handle)
    name = f"127.0.0.1:{port_of(server)}/ci-embedded"
    try:
        await docker.request("POST", f"/images/{image}/tag", params={"repo": name, "tag": "x"})
        async for _ in docker.events(
            f"/images/{name}/push", params={"tag": "x"}, headers={"X-Registry-Auth": "e30="}
        ):
            pass
    finally:
        server.close()
        await docker.remove_image(f"{name}:x")
    return sink.manifest
