"""The commands that the documentation shows, out of its code blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page that a reader may copy a command from."""
    found = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs" / "guide").glob("*.md")]
    return sorted(path for path in found if path.name != "CHANGELOG.md")


def commands(path: Path) -> Iterator[str]:
    """The commands of a page: one a line, continued lines joined, comments left out."""
    for block in _BLOCK.finditer(path.read_text()):
        for line in re.sub(r"\\\n\s*", "", block[2]).splitlines():
            text = re.sub(r"(^|\s+)#.*", "", line).strip()
            if text:
                yield " ".join(text.split())
