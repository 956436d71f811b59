"""The image that stands for python:3.11-slim: root file systems into OCI blobs, into the mirror."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.errors import BaseImageMissing

REPOSITORY = "library/python"
TAG = "3.11-slim"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CREATED = "2023-11-14T22:13:20Z"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of the image in the blob folder, and how a manifest names it."""

    media_type: str
    digest: str
    size: int

    def descriptor(self, **further: Any) -> dict[str, Any]:
        """As it stands in a manifest or index."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size} | further


def assemble(folder: Path) -> None:
    """Turn `folder`'s amd64.tar, arm64.tar and local.tar into blobs and index.json.

    The architecture that was only unpacked gets the other's /usr/local (a Python environment and
    pip, all of it text) as a second layer. The tar files are removed.
    """
    local, local_diff = _layer(folder, folder / "local.tar")
    manifests = []
    for architecture in ("amd64", "arm64"):
        root, root_diff = _layer(folder, folder / f"{architecture}.tar")
        manifest = _manifest(folder, architecture, [(root, root_diff), (local, local_diff)])
        platform = {"os": "linux", "architecture": architecture}
        manifests.append(manifest.descriptor(platform=platform))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    # Written last: its presence says that the blobs are complete.
    (folder / "index.json").write_text(json.dumps(index))
    for tar in folder.glob("*.tar"):
        tar.unlink()


def blob_path(folder: Path, digest: str) -> Path:
    """Where a blob lies."""
    return folder / digest.replace(":", "-")


def index_bytes(folder: Path) -> bytes:
    """The image's index.

    Raises:
        BaseImageMissing: nothing was assembled there.
    """
    try:
        return (folder / "index.json").read_bytes()
    except FileNotFoundError as error:
        raise BaseImageMissing(
            f"no {folder / 'index.json'}",
            state="the mirror lacks the base image",
            remedy="read .local/rehearsal/log/rootfs.log, then `make setup` again",
        ) from error


def _manifest(folder: Path, architecture: str, layers: list[tuple[Blob, str]]) -> Blob:
    config = {
        "created": CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": [
                "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
            ],
            "Cmd": ["python3"],
        },
        "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]},
        "history": [{"created": CREATED, "created_by": "rehearsal/rootfs.sh"} for _ in layers],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _store(folder, CONFIG, config).descriptor(),
        "layers": [layer.descriptor() for layer, _ in layers],
    }
    return _store(folder, MANIFEST, manifest)


def _store(folder: Path, media_type: str, document: dict[str, Any]) -> Blob:
    raw = json.dumps(document).encode()
    blob = Blob(media_type, f"sha256:{hashlib.sha256(raw).hexdigest()}", len(raw))
    blob_path(folder, blob.digest).write_bytes(raw)
    return blob


def _layer(folder: Path, tar: Path) -> tuple[Blob, str]:
    """Compress a tar into a blob; return it with the digest of the uncompressed bytes."""
    plain = hashlib.sha256()
    partial = tar.with_suffix(".gz")
    # Level 1: it is read on this machine only, and a minute's set-up notices the difference.
    with tar.open("rb") as source, gzip.GzipFile(partial, "wb", 1, mtime=0) as packed:
        while chunk := source.read(CHUNK_BYTES):
            plain.update(chunk)
            packed.write(chunk)
    with partial.open("rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    blob = Blob(LAYER, digest, partial.stat().st_size)
    partial.rename(blob_path(folder, digest))
    return blob, f"sha256:{plain.hexdigest()}"
