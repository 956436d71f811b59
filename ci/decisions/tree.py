"""Judging a release's whole tree: index, manifests, configs, layers, platforms, labels."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from ci.decisions.labels import FINGERPRINT, REVISION, VERSION
from ci.errors import (
    AmbiguousPlatform,
    LabelsDisagree,
    ManifestInvalid,
    PlatformLie,
    PlatformMissing,
    TreeIncomplete,
    VerificationError,
)
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import ImageConfig
from ci.oci.platform import Platform
from ci.oci.text import shown

REMEDY = "publish again under a new tag: ./daggerw call publish --tag $(./daggerw call tag)"


@dataclass(frozen=True, slots=True)
class Image:
    """One platform's image as the registry gave it.

    `absent` names what the registry does not have, with the reason.
    """

    descriptor: Descriptor
    config: ImageConfig | None
    layers: tuple[Descriptor, ...]
    absent: tuple[str, ...] = ()
    config_digest: Digest | None = None

    @property
    def platform(self) -> Platform | None:
        """What the image is, by its own config where that could be read."""
        return self.config.platform if self.config else self.descriptor.platform

    @property
    def size_bytes(self) -> int:
        """What a pull of all layers transfers."""
        return sum(layer.size_bytes for layer in self.layers)


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything that one digest leads to."""

    digest: Digest
    images: tuple[Image, ...]
    attestations: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a release must say of itself; "" is not looked at."""

    platforms: tuple[Platform, ...]
    version: str
    fingerprint: str = ""
    revision: str = ""


class Fault(NamedTuple):
    """One thing that is wrong with a tree."""

    error: type[VerificationError]
    text: str


def judge_tree(tree: Tree, expected: Expected) -> None:
    """Accept a tree only when nothing at all is wrong with it.

    Raises:
        VerificationError: the first fault's class, with every fault in its cause.
    """
    found = faults(tree, expected)
    if found:
        causes = "; ".join(dict.fromkeys(fault.text for fault in found))
        raise found[0].error(f"{tree.digest}: {causes}", remedy=REMEDY)


def faults(tree: Tree, expected: Expected) -> list[Fault]:
    """List what is wrong with a tree, the gravest first."""
    found = [Fault(TreeIncomplete, text) for image in tree.images for text in image.absent]
    # A lie before what follows from it: a platform that is missing, or there twice.
    found += [fault for image in tree.images for fault in _lies(image)]
    found += _platform_faults(tree, expected.platforms)
    for image in tree.images:
        found += _image_faults(image, expected)
    return found


def _lies(image: Image) -> list[Fault]:
    said = image.descriptor.platform
    if image.config is None or said is None or _serves(image.config.platform, said):
        return []
    text = f"the index says {said}, the image's config {image.config.platform}"
    return [Fault(PlatformLie, text)]


def _platform_faults(tree: Tree, wanted: tuple[Platform, ...]) -> list[Fault]:
    counts = Counter(image.platform for image in tree.images)
    there = ", ".join(sorted(str(platform) for platform in counts)) or "none"
    found = [
        Fault(AmbiguousPlatform, f"{platform} is there {count} times")
        for platform, count in counts.items()
        if count > 1
    ]
    found += [
        Fault(PlatformMissing, f"{platform} is missing; there is {there}")
        for platform in wanted
        if not any(_serves(other, platform) for other in counts)
    ]
    return found


def _image_faults(image: Image, expected: Expected) -> list[Fault]:
    if image.config is None:
        return []
    found = _label_faults(image.config, expected)
    if image.config.layer_count != len(image.layers):
        text = (
            f"{image.config.platform}: {len(image.layers)} layers,"
            f" but the config lists {image.config.layer_count}"
        )
        found.insert(0, Fault(ManifestInvalid, text))
    return found


def _label_faults(config: ImageConfig, expected: Expected) -> list[Fault]:
    found = []
    wanted = {
        VERSION: expected.version,
        FINGERPRINT: expected.fingerprint,
        REVISION: expected.revision,
    }
    for label, text in wanted.items():
        said = config.labels.get(label, "")
        if not said:
            found.append(Fault(LabelsDisagree, f"{config.platform}: no label {label}"))
        elif text and said != text:
            found.append(
                Fault(
                    LabelsDisagree,
                    f"{config.platform}: {label} is {shown(said)}, not {shown(text)}",
                )
            )
    return found


def _serves(there: Platform | None, wanted: Platform) -> bool:
    """Whether an image for `there` is what somebody on `wanted` asks for."""
    if there is None:
        return False
    same = (there.os, there.architecture) == (wanted.os, wanted.architecture)
    return same and wanted.variant in ("", there.variant)
