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
    """Where a release comes from."""

    tag: ReleaseTag
    fingerprint: Digest
    revision: str
    source: str


def release_labels(origin: Origin, *, base_name: str, base_digest: str) -> dict[str, str]:
    """Write a release's labels; the same origin always gives the same ones."""
    labels = {
        VERSION: str(origin.tag),
        REVISION: origin.revision,
        SOURCE: origin.source,
        # The tag's own moment, so that every platform and every rebuild says the same.
        CREATED: origin.tag.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        BASE_NAME: base_name,
        BASE_DIGEST: base_digest,
        FINGERPRINT: str(origin.fingerprint),
    }
    return {name: text for name, text in labels.items() if text}


def split_base(resolved: str) -> tuple[str, str]:
    """Part ``name@digest``, as an engine resolves a base image, into name and digest."""
    name, _, digest = resolved.partition("@")
    return name, digest


def source_url(remote: str) -> str:
    """Turn a git remote into the URL that people open; "" when there is none."""
    text = remote.strip().removesuffix(".git")
    if text.startswith("git@") and ":" in text:
        host, _, path = text.removeprefix("git@").partition(":")
        return f"https://{host}/{path}"
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in ("https", "http", "ssh"):
        return ""
    # A remote may carry credentials; a label may not.
    return f"https://{rest.rpartition('@')[2]}"


def labels_of_release(labels: Mapping[str, str]) -> tuple[str, str]:
    """Read back version and fingerprint; "" for what is not there."""
    return labels.get(VERSION, ""), labels.get(FINGERPRINT, "")
