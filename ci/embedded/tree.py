"""Directory trees as values: a map from path to entry, whose file contents lie in the store."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ci.embedded.errors import EngineError
from ci.embedded.patterns import Filter, pattern_regex

MAX_LINKS = 40


class Entry(NamedTuple):
    """One path: kind ``f`` (file), ``d`` (directory) or ``l`` (symbolic link)."""

    kind: str
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 1
    content: str = ""  # hex SHA-256 of a file, target of a link
    size: int = 0  # bytes


DIRECTORY = Entry("d", 0o755)


def clean(path: str) -> str:
    """The path relative to the root, without ``.``, ``..`` or slashes at the ends."""
    return posixpath.normpath("/" + path).lstrip("/")


def missing(path: str) -> EngineError:
    """The error that Dagger gives for a path that is not there."""
    return EngineError(f"stat {path}: no such file or directory")


class Tree:
    """A directory's paths; never changed after it was handed out."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self.entries: dict[str, Entry] = dict(sorted((entries or {}).items()))
        self._digest: str | None = None

    @property
    def digest(self) -> str:
        """Hex SHA-256 over paths, modes, owners and contents; times do not count."""
        if self._digest is None:
            rows = [[path, *entry[:4], entry.content] for path, entry in self.entries.items()]
            self._digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        return self._digest

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(self.entries.items())

    def resolve(self, path: str, links: int = 0) -> str:
        """Follow the symbolic links inside the tree."""
        parts, current = [part for part in clean(path).split("/") if part], ""
        for i, part in enumerate(parts):
            step = posixpath.join(current, part)
            entry = self.entries.get(step)
            if entry is not None and entry.kind == "l" and links < MAX_LINKS:
                return self.resolve(
                    posixpath.join("/", current, entry.content, *parts[i + 1 :]), links + 1
                )
            current = step
        return current

    def lookup(self, path: str) -> tuple[str, Entry]:
        """The resolved path and its entry; `EngineError` when missing."""
        resolved = self.resolve(path)
        entry = self.entries.get(resolved) if resolved else DIRECTORY
        if entry is None:
            raise missing(path)
        return resolved, entry

    def file(self, path: str) -> Entry:
        """The entry of a regular file."""
        _, entry = self.lookup(path)
        if entry.kind != "f":
            raise EngineError(f"path {path} is a directory, not a file")
        return entry

    def directory(self, path: str) -> Tree:
        """The tree below `path`."""
        resolved, entry = self.lookup(path)
        if entry.kind != "d":
            raise EngineError(f"path {path} is a file, not a directory")
        prefix = resolved + "/" if resolved else ""
        below = {p[len(prefix) :]: e for p, e in self if p.startswith(prefix)}
        return Tree(below) if prefix else self

    def names(self) -> list[str]:
        """The entries of the top level, directories with a slash."""
        top = ((path, entry) for path, entry in self if "/" not in path)
        return sorted(path + ("/" if entry.kind == "d" else "") for path, entry in top)

    def glob(self, pattern: str) -> list[str]:
        """The paths that match a pattern, directories with a slash."""
        regex = re.compile(pattern_regex(posixpath.normpath(pattern)) + r"\Z")
        return [
            path + ("/" if entry.kind == "d" else "") for path, entry in self if regex.match(path)
        ]

    def filtered(self, keep: Filter) -> Tree:
        """The kept paths and the directories above them."""
        kept = {path: entry for path, entry in self if keep.keeps(path)}
        for path in tuple(kept):
            for parent in _parents(path):
                kept.setdefault(parent, self.entries[parent])
        return Tree(kept)

    def with_tree(self, path: str, other: Tree) -> Tree:
        """A copy with `other` laid over the directory `path`, which is made where it is missing."""
        base = clean(path)
        entries = self._with_parents(posixpath.join(base, "x"))
        for below, entry in other:
            target = posixpath.join(base, below)
            if (
                target in entries
                and "d" in (entries[target].kind, entry.kind)
                and entries[target].kind != entry.kind
            ):
                _remove(entries, target)
            entries[target] = entry
        return Tree(entries)

    def with_entry(self, path: str, entry: Entry) -> Tree:
        """A copy with one path put, and the directories above it."""
        target = clean(path)
        entries = self._with_parents(target)
        _remove(entries, target)
        entries[target] = entry
        return Tree(entries)

    def without(self, path: str) -> Tree:
        """A copy without a path and all below it."""
        entries = dict(self.entries)
        _remove(entries, clean(path))
        return Tree(entries)

    def completed(self) -> Tree:
        """A copy with the directories above every path."""
        entries = {parent: DIRECTORY for path, _ in self for parent in _parents(path)}
        return Tree({**entries, **self.entries})

    def mapped(self, change: Callable[[Entry], Entry]) -> Tree:
        """A copy with every entry changed."""
        return Tree({path: change(entry) for path, entry in self})

    def _with_parents(self, path: str) -> dict[str, Entry]:
        entries = dict(self.entries)
        for parent in _parents(path):
            if entries.get(parent, DIRECTORY).kind == "f":
                del entries[parent]
            entries.setdefault(parent, DIRECTORY)
        return entries


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _remove(entries: dict[str, Entry], path: str) -> None:
    for gone in [p for p in entries if p == path or p.startswith(path + "/")]:
        del entries[gone]
