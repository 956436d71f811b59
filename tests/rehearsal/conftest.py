"""A small image, as bytes that no build is needed for."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest


@pytest.fixture
def small_tar() -> bytes:
    """A file system of one file."""
    content = b"hello\n"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


@pytest.fixture
def small_image(tmp_path: Path, small_tar: bytes) -> str:
    """An image of one small layer, as skopeo names an OCI layout on disk."""
    layout = tmp_path / "layout"
    packed = gzip.compress(small_tar, mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(small_tar)]},
    }
    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": store(layout, json.dumps(config).encode(), f"{oci}.config.v1+json"),
        "layers": [store(layout, packed, f"{oci}.layer.v1.tar+gzip")],
    }
    top = store(layout, json.dumps(manifest).encode(), f"{oci}.manifest.v1+json")
    index = {"schemaVersion": 2, "manifests": [top]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{layout}"


def store(layout: Path, raw: bytes, media_type: str) -> dict[str, str | int]:
    folder = layout / "blobs" / "sha256"
    folder.mkdir(parents=True, exist_ok=True)
    digest = digest_of(raw)
    (folder / digest.removeprefix("sha256:")).write_bytes(raw)
    return {"mediaType": media_type, "digest": digest, "size": len(raw)}


def digest_of(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
