"""Clients that judge the rehearsal's registry before it judges us: skopeo and docker."""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Credentials, missing


@dataclass(frozen=True, slots=True)
class Client:
    """A command-line client with its own configuration folder."""

    program: str
    environment: dict[str, str]
    folder: Path

    def run(
        self, *arguments: str, stdin: str | bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it; the outcome, whatever it is."""
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            input=raw,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def allowed(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """Run it and expect success; its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it and expect failure; its standard error."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def log_in(self, registry: str, credentials: Credentials) -> None:
        """Remember the credentials, as `docker login` writes them."""
        pair = base64.b64encode(f"{credentials.user}:{credentials.token}".encode()).decode()
        settings = {"auths": {registry: {"auth": pair}}}
        (self.folder / "config.json").write_text(json.dumps(settings))


def client(program: str, folder: Path, further: dict[str, str]) -> Client:
    if shutil.which(program) is None:
        missing(f"no {program}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **further}
    return Client(program, environment, folder)


@pytest.fixture
def docker(docker_host: str, tmp_path: Path) -> Client:
    further = {"DOCKER_HOST": docker_host, "DOCKER_CONFIG": str(tmp_path)}
    return client("docker", tmp_path, further)


@pytest.fixture
def skopeo(tmp_path: Path) -> Client:
    return client("skopeo", tmp_path, {"REGISTRY_AUTH_FILE": str(tmp_path / "config.json")})


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
