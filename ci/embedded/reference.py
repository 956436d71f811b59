"""Image references, with Docker Hub's defaults."""

from __future__ import annotations

import re
from typing import NamedTuple

from ci.embedded.errors import EngineError

DOCKER_HUB = "docker.io"
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)


class RegistryError(EngineError):
    """A registry refused or could not be understood."""


class Repository(NamedTuple):
    """A repository of a registry, and where the registry is dialled if that is elsewhere."""

    host: str
    path: str
    via: str = ""


class Reference(NamedTuple):
    """A parsed image reference."""

    repository: Repository
    tag: str
    digest: str


def parse_reference(text: str) -> Reference:
    """Read ``[registry/]repository[:tag][@digest]`` with Docker Hub's defaults."""
    name, _, digest = text.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    name = head + slash + last
    first, _, rest = name.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        host, path = first, rest
    else:
        host, path = DOCKER_HUB, name if "/" in name else f"library/{name}"
    if not _REPOSITORY.fullmatch(path):
        raise RegistryError(f"failed to parse image address {text}: invalid reference format")
    return Reference(Repository(host, path), tag or ("" if digest else "latest"), digest)
