"""What a rehearsal server starts from: its root file system, and postgres in the mirror."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from rehearsal.errors import CommandFailed
from rehearsal.layout import Layout

POSTGRES = "library/postgres:16"
SOURCES = ("server_rootfs.sh", "server_postgres.sh")
POSTGRES_CONFIG = (
    "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'ENTRYPOINT ["server_postgres.sh"]',
    "VOLUME /var/lib/postgresql/data",
    "EXPOSE 5432",
)


def is_made(folder: Path, layout: Layout) -> bool:
    """Whether `make` was done from the scripts as they are now."""
    recipe = folder / "recipe"
    return recipe.exists() and recipe.read_text() == _recipe(layout)


def make(folder: Path, layout: Layout, environment: dict[str, str]) -> None:
    """Make the root file system anew, and put postgres into the mirror.

    Raises:
        CommandFailed: Debian's packages cannot be had, or Docker does not take the image.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run(layout, "sh", str(layout.checkout / "rehearsal" / SOURCES[0]), str(folder))
    docker = ("docker", "--host", environment["DOCKER_HOST"])
    image = f"{environment['REHEARSAL_MIRROR']}/{POSTGRES}"
    changes = [word for line in POSTGRES_CONFIG for word in ("--change", line)]
    _run(layout, *docker, "import", *changes, str(folder / "postgres.tar"), image)
    _run(layout, *docker, "push", "--quiet", image)
    _run(layout, *docker, "rmi", image)
    (folder / "postgres.tar").unlink()
    # Written last: it says that the rest is complete.
    (folder / "recipe").write_text(_recipe(layout))


def _recipe(layout: Layout) -> str:
    sources = [(layout.checkout / "rehearsal" / name).read_bytes() for name in SOURCES]
    return hashlib.sha256(b"".join([*sources, repr(POSTGRES_CONFIG).encode()])).hexdigest()


def _run(layout: Layout, *command: str) -> None:
    log = layout.log / "server-images.log"
    with log.open("a") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise CommandFailed(
            f"{command[0]} {command[1]} ended with {done.returncode}",
            state="there is no rehearsal server; the registries run on",
            remedy=f"read {log}, then run this again",
        )
