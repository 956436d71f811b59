"""Media types of images, and the choice of a platform in an index."""

from __future__ import annotations

from typing import Any

from ci.embedded.reference import RegistryError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))


def choose_platform(index: dict[str, Any], platform: str) -> str:
    """The manifest's digest for a platform; a variant that was not asked for does not matter."""
    system, architecture, *variant = platform.split("/")
    for entry in index["manifests"]:
        has = entry.get("platform", {})
        same = (has.get("os"), has.get("architecture")) == (system, architecture)
        if same and (not variant or has.get("variant") in (None, variant[0])):
            return str(entry["digest"])
    raise RegistryError(f"no match for platform in manifest: not found ({platform})")
