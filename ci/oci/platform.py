"""Platforms: what an image runs on."""

import re
from dataclasses import dataclass

from ci.errors import PlatformInvalid
from ci.oci.text import shown

_PLATFORM = re.compile(r"([a-z0-9]+)/([a-z0-9_]+)(?:/([a-z0-9.]+))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """``os/architecture[/variant]``."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def is_unknown(self) -> bool:
        """Whether this marks an attestation, which is no image."""
        return self.os == "unknown" and self.architecture == "unknown"


def platform_of(os: str, architecture: str, variant: str = "") -> Platform:
    """Make a platform in its one spelling: arm64's default variant is left out."""
    return Platform(os, architecture, "" if (architecture, variant) == ("arm64", "v8") else variant)


def parse_platform(text: str) -> Platform:
    """Read ``os/architecture[/variant]``.

    Raises:
        PlatformInvalid: another shape.
    """
    found = _PLATFORM.fullmatch(text)
    if not found:
        raise PlatformInvalid(
            f"{shown(text)} is not os/architecture[/variant]",
            remedy="write it like linux/amd64 or linux/arm64",
        )
    return platform_of(found[1], found[2], found[3] or "")
