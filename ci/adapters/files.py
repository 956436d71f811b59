"""Reading a directory as the fingerprint needs it."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from ci.decisions.fingerprint import Entry
from ci.decisions.released import Listed
from ci.oci.digest import Digest

_OWNER_MAY_EXECUTE = 0o100


class LocalFiles:
    """This machine's file system."""

    def listing(self, root: Path) -> list[Listed]:
        """List all files and symbolic links under `root`, not following the links."""
        found = []
        for folder, folders, names in os.walk(root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            for path in (Path(folder, name) for name in [*names, *links]):
                size_bytes = 0 if path.is_symlink() else path.stat().st_size
                found.append(Listed(path.relative_to(root).as_posix(), size_bytes))
        return found

    def entries(self, root: Path, paths: Iterable[str]) -> list[Entry]:
        """Read what counts of these files and links under `root`."""
        return [_entry(root / path, path) for path in paths]

    def text(self, root: Path, name: str) -> str | None:
        """Read a file as UTF-8; None when there is none, or only a link that leads out."""
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            return None
        return path.read_text("utf-8", "surrogateescape")


def _entry(path: Path, name: str) -> Entry:
    if path.is_symlink():
        return Entry(name, link_target=str(path.readlink()))
    is_executable = bool(path.stat().st_mode & _OWNER_MAY_EXECUTE)
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(name, Digest(content), is_executable)
