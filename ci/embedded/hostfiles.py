"""Trees from and to the host's file system."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ci.embedded.errors import EngineError
from ci.embedded.patterns import Filter
from ci.embedded.store import Store
from ci.embedded.tree import Entry, Tree


def read_tree(root: str, store: Store, keep: Filter) -> Tree:
    """Read a directory of the host; owners become root, as with Dagger.

    What is removed while it is read is not in it, as if the reading had begun a moment later.
    """
    if not os.path.isdir(root):
        reason = "not a directory" if os.path.exists(root) else "no such file or directory"
        raise EngineError(f"failed to get snapshot: lstat {root}: {reason}")
    entries: dict[str, Entry] = {}
    for path, found in _walk(root, "", keep):
        entry = (
            _entry(found, store)
            if keep.keeps(path) or found.is_dir(follow_symlinks=False)
            else None
        )
        if entry is not None:
            entries[path] = entry
    return Tree(entries).filtered(keep)


def _walk(root: str, below: str, keep: Filter) -> Iterator[tuple[str, os.DirEntry[str]]]:
    for item in _listed(os.path.join(root, below)):
        path = f"{below}/{item.name}" if below else item.name
        is_directory = item.is_dir(follow_symlinks=False)
        if is_directory and keep.prunes(path):
            continue
        yield path, item
        if is_directory:
            yield from _walk(root, path, keep)


def _listed(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda item: item.name)
    except FileNotFoundError:
        return []


def _entry(item: os.DirEntry[str], store: Store) -> Entry | None:
    try:
        return _read(item, store)
    except FileNotFoundError:
        return None


def _read(item: os.DirEntry[str], store: Store) -> Entry | None:
    status = item.stat(follow_symlinks=False)
    mode, mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISDIR(status.st_mode):
        return Entry("d", mode, mtime=mtime)
    if stat.S_ISLNK(status.st_mode):
        return Entry("l", 0o777, mtime=mtime, content=os.readlink(item.path))
    if stat.S_ISREG(status.st_mode):
        return read_file(item.path, store)
    return None


def read_file(path: str, store: Store) -> Entry:
    """Read one file; the same inode with the same times and size is not hashed again."""
    status = os.stat(path)
    key = f"file:{path}:{status.st_ino}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_size}"
    digest = store.get(key)
    if digest is None or not store.has_blob(digest):
        with open(path, "rb") as file:
            digest, _ = store.put_stream(file)
        store.put(key, digest)
    mode = stat.S_IMODE(status.st_mode)
    return Entry("f", mode, mtime=int(status.st_mtime), content=digest, size=status.st_size)


def write_tree(tree: Tree, store: Store, target: Path, *, wipe: bool) -> None:
    """Write a tree over a directory of the host; `wipe` empties that first."""
    target.mkdir(parents=True, exist_ok=True)
    for found in target.iterdir() if wipe else ():
        _remove(found)
    for path, entry in tree:
        where = target / path
        if entry.kind == "d":
            if where.is_symlink() or where.is_file():
                _remove(where)
            where.mkdir(exist_ok=True, parents=True)
            continue
        where.parent.mkdir(parents=True, exist_ok=True)
        _remove(where)
        if entry.kind == "l":
            where.symlink_to(entry.content)
        else:
            shutil.copyfile(store.blob_path(entry.content), where)
            where.chmod(entry.mode)
            os.utime(where, (entry.mtime, entry.mtime))
    # Last, or a directory that may not be written to could not be filled.
    for path, entry in reversed(tree.entries.items()):
        if entry.kind == "d":
            (target / path).chmod(entry.mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
