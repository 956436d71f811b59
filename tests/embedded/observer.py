"""What the tests of the engine share: how they see Docker, and what their fixtures give."""

import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

BASE = "python:3.11-slim"


class Docker:
    """The Docker engine as an observer of its own sees it."""

    def __init__(self, address: str) -> None:
        transport = httpx.HTTPTransport(uds=address.removeprefix("unix://"))
        self.http = httpx.Client(transport=transport, base_url="http://docker/v1.40", timeout=30)

    def containers(self, state: Path) -> list[dict[str, Any]]:
        """What runs or stands for the sessions of a store."""
        label = f"ci.embedded.state={(state / 'id').read_text()}"
        query = {"all": "1", "filters": json.dumps({"label": [label]})}
        found: list[dict[str, Any]] = self.http.get("/containers/json", params=query).json()
        return found

    def remove_containers(self, state: Path) -> None:
        """Remove what is left of the sessions of a store."""
        for found in self.containers(state) if (state / "id").exists() else ():
            query = {"force": "1", "v": "1"}
            self.http.delete(f"/containers/{found['Id']}", params=query).raise_for_status()

    def inspect(self, container: str) -> str:
        """A container's configuration, as text."""
        return self.http.get(f"/containers/{container}/json").text

    def image(self, reference: str) -> dict[str, object] | None:
        """An image's configuration."""
        response = self.http.get(f"/images/{reference}/json")
        found: dict[str, object] = response.json()
        return found if response.status_code == 200 else None


OpenSession = Callable[..., AbstractContextManager[object]]
StartClient = Callable[[str], subprocess.Popen[str]]
