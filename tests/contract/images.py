"""Images for tests: real bytes with real digests, small enough to read."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ci.decisions.labels import FINGERPRINT, REVISION, VERSION
from ci.oci.digest import digest_of
from ci.oci.manifest import OCI_INDEX, OCI_MANIFEST, Document

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
BOTH = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True)
class Parts:
    """An image or index, with everything that it leads to."""

    top: Document
    children: tuple[Document, ...]
    blobs: tuple[bytes, ...]


def labels_for(tag: str, fingerprint: str, revision: str = "0" * 40) -> dict[str, str]:
    return {VERSION: tag, FINGERPRINT: fingerprint, REVISION: revision}


def descriptor(raw: bytes, media_type: str, **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(digest_of(raw)), "size": len(raw), **more}


def document(media_type: str, **value: object) -> Document:
    value = {"schemaVersion": 2, "mediaType": media_type, **value}
    return Document(json.dumps(value).encode(), media_type)


def image(platform: str, labels: Mapping[str, str], salt: str = "") -> Parts:
    """One platform's image; `salt` makes another build of the same sources."""
    os, architecture = platform.split("/")
    layer = gzip.compress(f"{platform} {salt}".encode(), mtime=0)
    config = json.dumps(
        {
            "os": os,
            "architecture": architecture,
            "rootfs": {"type": "layers", "diff_ids": [str(digest_of(layer))]},
            "config": {"Labels": dict(labels)},
        }
    ).encode()
    top = document(
        OCI_MANIFEST, config=descriptor(config, CONFIG), layers=[descriptor(layer, LAYER)]
    )
    return Parts(top, (), (config, layer))


def index(images: Mapping[str, Parts], attestations: Iterable[Parts] = ()) -> Parts:
    """An index that says each image is of the platform it is filed under."""
    entries = []
    for platform, parts in images.items():
        os, architecture = platform.split("/")
        place = {"os": os, "architecture": architecture}
        entries.append(descriptor(parts.top.raw, OCI_MANIFEST, platform=place))
    unknown = {"os": "unknown", "architecture": "unknown"}
    others = list(attestations)
    entries += [descriptor(parts.top.raw, OCI_MANIFEST, platform=unknown) for parts in others]
    everything = [*images.values(), *others]
    return Parts(
        document(OCI_INDEX, manifests=entries),
        tuple(parts.top for parts in everything),
        tuple(blob for parts in everything for blob in parts.blobs),
    )


def release(tag: str, fingerprint: str, salt: str = "", platforms: Iterable[str] = BOTH) -> Parts:
    """A whole release."""
    labels = labels_for(tag, fingerprint)
    return index({platform: image(platform, labels, salt) for platform in platforms})
