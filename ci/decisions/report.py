"""What a caller gets back: a line or table for people, or one JSON document for programs."""

import re
from enum import StrEnum

from ci.decisions.render import render_json, render_size, render_table
from ci.decisions.tree import Tree
from ci.errors import SettingsInvalid
from ci.oci.digest import Digest
from ci.oci.reference import Reference
from ci.oci.text import shown

_REVISION = re.compile(r"([0-9a-f]{12})[0-9a-f]{28}(-dirty)?", re.ASCII)
_SHORT = len("sha256:") + 12
_LONGEST = 20


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


def parse_format(text: str) -> Format:
    """Read --format.

    Raises:
        SettingsInvalid: neither table nor json.
    """
    if text not in set(Format):
        raise SettingsInvalid(
            f"--format: {shown(text)} is neither table nor json", remedy="use --format json"
        )
    return Format(text)


def render_published(reference: Reference, latest: str, how: str, form: Format) -> str:
    """Write what was published."""
    if form is Format.TABLE:
        return str(reference)
    return render_json(
        {
            "reference": str(reference),
            "tag": str(reference.tag),
            "digest": str(reference.digest),
            "latest": latest,
            "begun_from": how,
        }
    )


def render_verified(
    reference: Reference, tree: Tree, revision: str, latest: str, form: Format
) -> str:
    """Write what was verified, one line for each thing that was looked at.

    Digests are cut in the table, which fits a terminal; the last line is whole, to be copied.
    """
    if form is Format.JSON:
        return render_json(_document(reference, tree, revision, latest))
    rows = [["WHAT", "DIGEST", "SEEN"]]
    rows.append([str(reference.tag), short(tree.digest), "resolves, read twice"])
    rows += [
        [
            _plain(str(image.platform)),
            short(image.descriptor.digest),
            f"manifest, config, {len(image.layers)} layers, {render_size(image.size_bytes)}",
        ]
        for image in tree.images
    ]
    rows += [["attestation", short(digest), "listed, not an image"] for digest in tree.attestations]
    rows.append(["revision", _short_revision(revision), "on every image's label"])
    rows.append(["latest", latest, "is the newest release"])
    return f"{render_table(rows)}\n\n{reference}"


def short(digest: Digest) -> str:
    """Cut a digest for a table."""
    return f"{str(digest)[:_SHORT]}…"


def _short_revision(text: str) -> str:
    """Cut a commit; a label may hold any other text, which must not mislead."""
    found = _REVISION.fullmatch(text)
    return f"{found[1]}…{found[2] or ''}" if found else _plain(text)


def _plain(text: str) -> str:
    return text if re.fullmatch(r"[\w./-]{0,20}", text, re.ASCII) else shown(text, _LONGEST)


def _document(reference: Reference, tree: Tree, revision: str, latest: str) -> dict[str, object]:
    return {
        "reference": str(reference),
        "tag": str(reference.tag),
        "digest": str(reference.digest),
        "revision": revision,
        "latest": latest,
        "images": [
            {
                "platform": str(image.platform),
                "digest": str(image.descriptor.digest),
                "layers": [str(layer.digest) for layer in image.layers],
                "size_bytes": image.size_bytes,
            }
            for image in tree.images
        ],
        "attestations": [str(digest) for digest in tree.attestations],
    }
