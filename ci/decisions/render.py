"""Results as text: aligned tables for people, one JSON document for programs."""

import json
from collections.abc import Sequence

_UNITS = ("B", "kB", "MB", "GB", "TB")


def render_table(rows: Sequence[Sequence[str]]) -> str:
    """Align columns with two spaces between them; no trailing blanks."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def render_json(document: object) -> str:
    """Write one JSON document, indented, in the order it was made."""
    return json.dumps(document, indent=2, ensure_ascii=True)


def render_size(size_bytes: int) -> str:
    """Write a size with three figures at most."""
    size, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
