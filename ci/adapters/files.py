"""Reading a directory as the fingerprint needs it."""

import os
from pathlib import Path

from ci.decisions.fingerprint import Entry
from ci.oci.digest import digest_of

_OWNER_MAY_EXECUTE = 0o100


class LocalFiles:
    """This machine's file system."""

    def entries(self, root: Path) -> list[Entry]:
        """List all files and symbolic links under `root`, not following the links."""
        found = []
        for folder, folders, names in os.walk(root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            found += [self._entry(root, Path(folder, name)) for name in [*names, *links]]
        return found

    def text(self, root: Path, name: str) -> str | None:
        """Read a file as UTF-8; None when there is none, or only a link that leads out."""
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            return None
        return path.read_text("utf-8", "surrogateescape")

    def _entry(self, root: Path, path: Path) -> Entry:
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            return Entry(name, link_target=str(path.readlink()))
        is_executable = bool(path.stat().st_mode & _OWNER_MAY_EXECUTE)
        return Entry(name, digest_of(path.read_bytes()), is_executable)
