"""Where Docker is and what it knows, as its own command line finds it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from ci.embedded.errors import EngineLost


def find_docker(environ: Mapping[str, str]) -> str:
    """The address of the Docker engine: DOCKER_HOST, else the first standard socket that exists."""
    if host := environ.get("DOCKER_HOST"):
        return host
    home, runtime = (
        environ.get("HOME", "/nonexistent"),
        environ.get("XDG_RUNTIME_DIR", "/nonexistent"),
    )
    for path in (
        "/var/run/docker.sock",
        f"{home}/.docker/run/docker.sock",
        f"{runtime}/docker.sock",
    ):
        if Path(path).exists():
            return f"unix://{path}"
    raise EngineLost("no Docker engine found: set DOCKER_HOST, start Docker, or run `make setup`")


def docker_credentials(environ: Mapping[str, str], host: str) -> tuple[str, str] | None:
    """The user's own login for a host, where Docker's config file has it in plain."""
    folder = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '/nonexistent')}/.docker"
    name = "https://index.docker.io/v1/" if host == "docker.io" else host
    try:
        auth = json.loads(Path(folder, "config.json").read_text())["auths"][name]["auth"]
        user, _, password = base64.b64decode(auth).decode().partition(":")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return user, password
