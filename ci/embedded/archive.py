"""Trees to and from tar streams, as Docker's API and OCI layers want them."""

from __future__ import annotations

import tarfile
import tempfile
from typing import IO

from ci.embedded.store import Store
from ci.embedded.tree import Entry, Tree, clean

SPOOL_BYTES = 16 << 20


def is_implied(tree: Tree, path: str, entry: Entry) -> bool:
    """Whether unpacking what lies below makes this directory exactly as it is.

    Such an entry is left out: written over an image, it would turn a link like
    ``/bin -> usr/bin`` into a directory.
    """
    if entry[:4] != ("d", 0o755, 0, 0):
        return False
    return any(other.startswith(path + "/") for other in tree.entries)


def spool() -> IO[bytes]:
    """A temporary file that stays in memory while it is small."""
    return tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)


def write_tar(tree: Tree, store: Store, out: IO[bytes], *, prefix: str = "") -> None:
    """Write a tree as tar; `prefix` goes before every path."""
    paths = list(tree.entries)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for i, (path, entry) in enumerate(tree):
            followed = i + 1 < len(paths) and paths[i + 1].startswith(path + "/")
            if entry[:4] == ("d", 0o755, 0, 0) and (followed or is_implied(tree, path, entry)):
                continue
            _add(tar, prefix + path, entry, store)


def _add(tar: tarfile.TarFile, name: str, entry: Entry, store: Store) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    if entry.kind == "f":
        info.size = entry.size
        with store.blob_path(entry.content).open("rb") as content:
            tar.addfile(info, content)
        return
    info.type = tarfile.DIRTYPE if entry.kind == "d" else tarfile.SYMTYPE
    info.linkname = entry.content
    tar.addfile(info)


def tar_of(tree: Tree, store: Store, *, prefix: str = "") -> IO[bytes]:
    """The same as a file to read from its start."""
    out = spool()
    write_tar(tree, store, out, prefix=prefix)
    out.seek(0)
    return out


def read_tar(stream: IO[bytes], store: Store, *, strip: str = "") -> Tree:
    """Read and close a tar stream of Docker's archive API.

    `strip` is the directory that all paths begin with.
    """
    entries: dict[str, Entry] = {}
    with stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for info in tar:
            path = _below(clean(info.name), strip)
            if path and (entry := _entry(tar, info, store, entries, strip)):
                entries[path] = entry
    return Tree(entries)


def _below(path: str, strip: str) -> str:
    if not strip or path == strip:
        return "" if path == strip else path
    return path.removeprefix(strip + "/")


def _entry(
    tar: tarfile.TarFile, info: tarfile.TarInfo, store: Store, seen: dict[str, Entry], strip: str
) -> Entry | None:
    owner = (info.mode & 0o7777, info.uid, info.gid, int(info.mtime))
    if info.isdir():
        return Entry("d", *owner)
    if info.issym():
        return Entry("l", 0o777, *owner[1:], content=info.linkname)
    if info.islnk():
        return seen.get(_below(clean(info.linkname), strip))
    content = tar.extractfile(info) if info.isfile() else None
    if content is None:  # a device or a pipe has no content to keep
        return None
    digest, size = store.put_stream(content)  # type: ignore[arg-type]
    return Entry("f", *owner, content=digest, size=size)
