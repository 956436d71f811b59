"""Manifests, indexes and image configs: the bytes and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ci.errors import ManifestInvalid, ManifestUnsupported
from ci.oci.descriptor import Descriptor, parse_descriptor
from ci.oci.digest import Digest, digest_of
from ci.oci.platform import Platform, platform_of
from ci.oci.strict_json import REMEDY, parse_json
from ci.oci.text import shown

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
# All four in one header line: with fewer, a registry hides images or serves another digest.
ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest's bytes as they came; their hash is the digest."""

    raw: bytes = field(repr=False)
    media_type: str

    @property
    def digest(self) -> Digest:
        """The digest of the bytes."""
        return digest_of(self.raw)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One platform's image."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Index:
    """A list of manifests, one for each platform."""

    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's config says of itself."""

    platform: Platform
    labels: Mapping[str, str]
    layer_count: int
    has_healthcheck: bool = False


def parse_document(document: Document) -> Manifest | Index:
    """Read a manifest or an index.

    Raises:
        ManifestInvalid: not strict JSON, or not the shape of its type.
        ManifestUnsupported: schema 1, an unknown type, or two types at odds.
    """
    value = parse_json(document.raw)
    media_type = value.get("mediaType", document.media_type)
    if media_type != document.media_type:
        _unsupported(
            f"it calls itself {shown(str(media_type))}"
            f" and is served as {shown(document.media_type)}"
        )
    if value.get("schemaVersion") != 2:
        _unsupported(f"schema version {shown(str(value.get('schemaVersion')))}")
    annotations = _strings(value.get("annotations"), "annotations")
    if media_type in INDEX_TYPES:
        return Index(_descriptors(value, "manifests"), annotations)
    if media_type in MANIFEST_TYPES:
        config = parse_descriptor(value.get("config"), "config")
        return Manifest(config, _descriptors(value, "layers"), annotations)
    return _unsupported(f"the media type {shown(str(media_type))}")


def parse_config(raw: bytes) -> ImageConfig:
    """Read an image's config.

    Raises:
        ManifestInvalid: not strict JSON, or without platform and layers.
    """
    value = parse_json(raw)
    names = [value.get(key, "") for key in ("os", "architecture", "variant")]
    layers = _mapping(value.get("rootfs"), "rootfs").get("diff_ids")
    if not all(isinstance(name, str) for name in names) or not names[0] or not names[1]:
        _invalid("the config names no platform")
    if not isinstance(layers, list):
        _invalid("the config lists no layers")
    config = _mapping(value.get("config"), "config")
    labels = _strings(config.get("Labels"), "config.Labels")
    test = _mapping(config.get("Healthcheck"), "config.Healthcheck").get("Test")
    has_healthcheck = isinstance(test, list) and test[:1] not in ([], ["NONE"])
    return ImageConfig(platform_of(*names), labels, len(layers), has_healthcheck)


def _descriptors(value: Mapping[str, Any], key: str) -> tuple[Descriptor, ...]:
    found = value.get(key)
    if not isinstance(found, list):
        _invalid(f"{key} is no list")
    return tuple(parse_descriptor(item, f"{key}[{at}]") for at, item in enumerate(found))


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _invalid(f"{where} is no object")
    return value


def _strings(value: object, where: str) -> Mapping[str, str]:
    found = _mapping(value, where)
    if not all(isinstance(item, str) for item in found.values()):
        _invalid(f"{where} holds something other than text")
    return found


def _invalid(what: str) -> NoReturn:
    raise ManifestInvalid(what, remedy=REMEDY)


def _unsupported(what: str) -> NoReturn:
    raise ManifestUnsupported(f"a manifest that cannot be read: {what}", remedy=REMEDY)
