"""Descriptors: media type, digest and size of something else."""

from dataclasses import dataclass
from typing import NoReturn

from ci.errors import DigestInvalid, ManifestInvalid
from ci.oci.digest import Digest, parse_digest
from ci.oci.platform import Platform, platform_of
from ci.oci.strict_json import REMEDY


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of one thing it needs."""

    media_type: str
    digest: Digest
    size_bytes: int
    platform: Platform | None = None


def parse_descriptor(value: object, where: str) -> Descriptor:
    """Read a descriptor.

    Args:
        value: what the JSON holds there.
        where: the key path, for the error.
    Raises:
        ManifestInvalid: a field is missing or has another shape.
    """
    if not isinstance(value, dict):
        _invalid(f"{where} is no descriptor")
    media_type, digest, size = (value.get(key) for key in ("mediaType", "digest", "size"))
    if not isinstance(media_type, str) or not isinstance(digest, str):
        _invalid(f"{where} lacks its media type or digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        _invalid(f"{where} has no size")
    try:
        parsed = parse_digest(digest)
    except DigestInvalid as error:
        raise ManifestInvalid(f"{where}: {error.cause}", remedy=REMEDY) from error
    return Descriptor(media_type, parsed, size, _platform(value.get("platform"), where))


def _platform(value: object, where: str) -> Platform | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        _invalid(f"{where}.platform is no object")
    names = [value.get(key, "") for key in ("os", "architecture", "variant")]
    if not all(isinstance(name, str) for name in names):
        _invalid(f"{where}.platform holds something other than text")
    return platform_of(*names)


def _invalid(what: str) -> NoReturn:
    raise ManifestInvalid(what, remedy=REMEDY)
