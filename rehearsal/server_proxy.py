"""The proxy that services stand behind on a server: Debian's Caddy, as caddy:2 in the mirror."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx

from rehearsal.errors import CommandFailed
from rehearsal.layout import Layout

REPOSITORY, TAG = "library/caddy", "2"
DOCKERFILE = """\
FROM {base}
COPY caddy /usr/bin/caddy
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
"""
_KINDS = "application/vnd.docker.distribution.manifest.v2+json"


def publish_proxy(layout: Layout, environment: dict[str, str]) -> None:
    """Put Caddy into the mirror, where it is not there yet.

    Raises:
        CommandFailed: Debian's package cannot be had, or Docker does not make the image.
    """
    mirror = environment["REHEARSAL_MIRROR"]
    found = httpx.head(
        f"http://{mirror}/v2/{REPOSITORY}/manifests/{TAG}",
        headers={"Accept": _KINDS},
        trust_env=False,
    )
    if found.status_code == 200:
        return
    image = f"{mirror}/{REPOSITORY}:{TAG}"
    docker = ("env", "DOCKER_BUILDKIT=0", "docker", "--host", environment["DOCKER_HOST"])
    with tempfile.TemporaryDirectory(prefix="ci-proxy-") as name:
        folder = Path(name)
        # As root apt-get tells that it cannot become another user there; it fetches all the same.
        _run(layout, folder, "apt-get", "--quiet", "download", "caddy")
        (package,) = folder.glob("caddy_*.deb")
        _run(layout, folder, "dpkg-deb", "--extract", str(package), "package")
        (folder / "image").mkdir()
        shutil.move(folder / "package/usr/bin/caddy", folder / "image/caddy")
        base = f"{mirror}/library/python:3.11-slim"
        (folder / "image/Dockerfile").write_text(DOCKERFILE.format(base=base))
        _run(layout, folder, *docker, "build", "--quiet", "--tag", image, "image")
        _run(layout, folder, *docker, "push", "--quiet", image)
        _run(layout, folder, *docker, "rmi", image)


def _run(layout: Layout, folder: Path, *command: str) -> None:
    log = layout.log / "server-proxy.log"
    with log.open("a") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise CommandFailed(
            f"{' '.join(command[:3])} ended with {done.returncode}",
            state="the mirror has no caddy:2",
            remedy=f"read {log}, then run this again",
        )
