"""The configuration files of the registries and of the token server; none holds a secret."""

import json
from pathlib import Path
from typing import Any

from rehearsal.credentials import ISSUER, certificate_file, key_file
from rehearsal.layout import READER, WRITER, Layout
from rehearsal.ports import Ports


def write_registry(
    layout: Layout, name: str, *, listen: str, storage: Path, further: dict[str, Any]
) -> Path:
    """Write the configuration of one registry; versions 2.8 and 3 read it alike."""
    settings = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": {"addr": listen, "relativeurls": True},
    }
    return _write(layout.state / f"{name}.yml", settings | further)


def token_auth(layout: Layout, ports: Ports, certificate: Path) -> dict[str, Any]:
    """A registry's token authentication, as Docker Hub and GHCR have it."""
    token = {
        "realm": f"http://localhost:{ports.tokens}/token",
        "service": _service(layout),
        "issuer": ISSUER,
        "rootcertbundle": str(certificate),
    }
    return {"auth": {"token": token}}


def write_token_server(layout: Layout, *, address: str, port: int) -> Path:
    """Write what the token server reads; the files it names lie beside it."""
    settings = {
        "address": address,
        "port": port,
        "issuer": ISSUER,
        "service": _service(layout),
        "key": key_file(layout).name,
        "certificate": certificate_file(layout).name,
        "accounts": {user: layout.token_file(user).name for user in (WRITER, READER)},
    }
    return _write(layout.state / "tokens.json", settings)


def _service(layout: Layout) -> str:
    return f"rehearsal-{layout.identity}"


def _write(path: Path, settings: dict[str, Any]) -> Path:
    # JSON is YAML.
    path.write_text(json.dumps(settings, indent=2))
    return path
