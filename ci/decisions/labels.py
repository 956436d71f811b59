"""The labels and annotations of a release, and reading them back.

Source: OCI image-spec, annotations.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from ci.decisions.tags import ReleaseTag
from ci.oci.digest import Digest

_OCI = "org.opencontainers.image."
VERSION = f"{_OCI}version"
REVISION = f"{_OCI}revision"
SOURCE = f"{_OCI}source"
CREATED = f"{_OCI}created"
BASE_NAME = f"{_OCI}base.name"
BASE_DIGEST = f"{_OCI}base.digest"
FINGERPRINT = "ci.fingerprint"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an image comes from; `tag` is None for a build that is no release."""

    tag: ReleaseTag | None
    fingerprint: Digest
    revision: str
    source: str


def release_labels(origin: Origin, *, base_name: str, base_digest: str) -> dict[str, str]:
    """Write an image's labels; the same origin always gives the same ones."""
    # The tag's own moment, so that every platform and every rebuild says the same.
    moment = origin.tag.moment.astimezone(UTC) if origin.tag else None
    labels = {
        VERSION: str(origin.tag or ""),
        REVISION: origin.revision,
        SOURCE: origin.source,
        CREATED: moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "",
        BASE_NAME: base_name,
        BASE_DIGEST: base_digest,
        FINGERPRINT: str(origin.fingerprint),
    }
    return {name: text for name, text in labels.items() if text}


def split_base(resolved: str) -> tuple[str, str]:
    """Part ``name@digest``, as an engine resolves a base image, into name and digest."""
    name, _, digest = resolved.partition("@")
    return name, digest


def labels_of_release(labels: Mapping[str, str]) -> tuple[str, str]:
    """Read back version and fingerprint; "" for what is not there."""
    return labels.get(VERSION, ""), labels.get(FINGERPRINT, "")
