"""Digests: the name of bytes by their content."""

import hashlib
import re
from dataclasses import dataclass

from ci.errors import DigestInvalid
from ci.oci.text import shown

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A sha256 digest; `str` gives ``sha256:<hex>``."""

    hex: str

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


def parse_digest(text: str) -> Digest:
    """Read ``sha256:`` and 64 lower-case hexadecimal digits.

    Raises:
        DigestInvalid: anything else; asked here because registries answer 500 to it.
    """
    found = _DIGEST.fullmatch(text)
    if not found:
        raise DigestInvalid(
            f"{shown(text)} is not sha256: and 64 digits of 0-9a-f",
            remedy="copy the digest that publish printed, such as sha256:2c26b46b68ff...",
        )
    return Digest(found[1])


def digest_of(raw: bytes) -> Digest:
    """Name these bytes."""
    return Digest(hashlib.sha256(raw).hexdigest())
