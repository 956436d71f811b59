"""Platform names."""

from __future__ import annotations

import platform as machine

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def default_platform() -> str:
    """The platform of this machine's containers."""
    name = machine.machine()
    return f"linux/{_ARCHITECTURES.get(name, name)}"


def normal_platform(text: str | None) -> str:
    """``os/architecture[/variant]`` with the names that OCI uses."""
    if not text or text == "local":
        return default_platform()
    system, _, rest = text.partition("/")
    if not rest:
        system, rest = "linux", system
    architecture, slash, variant = rest.partition("/")
    return f"{system}/{_ARCHITECTURES.get(architecture, architecture)}{slash}{variant}"
