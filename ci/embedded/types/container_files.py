"""The fields of Container that read or write its files."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ci.embedded.errors import EngineError, Unsupported
from ci.embedded.lazy import Lazy
from ci.embedded.mounts import DirectoryMount, Mount
from ci.embedded.owners import resolve_owner
from ci.embedded.patterns import Filter
from ci.embedded.rootfs import Rootfs, Written
from ci.embedded.tree import Entry, Tree, clean
from ci.embedded.types.container_config import Configured
from ci.embedded.types.directory import KINDS, Directory
from ci.embedded.types.file import File


@dataclass(frozen=True, eq=False, kw_only=True)
class WithFiles(Configured):
    """A container as far as its files go."""

    filesystem: Rootfs
    mounted: tuple[Mount, ...] = ()

    async def read(self, path: str) -> tuple[Entry, Tree]:
        """The entry at an absolute path and the tree below it."""
        covering = [mount for mount in self.mounted if mount.covers(path)]
        if covering:
            return await max(covering, key=lambda mount: len(mount.path)).read(path)
        return await self.filesystem.read(path)

    def directory(self, path: str, expand: bool = False) -> Directory:
        path = self.absolute(path, expand=expand)

        async def read() -> Tree:
            await self.filesystem.evaluate()
            entry, tree = await self.read(path)
            if entry.kind != "d":
                raise EngineError(f"path {path} is a file, not a directory")
            return tree

        return Directory(self.session, Lazy(read), path)

    def rootfs(self) -> Directory:
        return self.directory("/")

    def file(self, path: str, expand: bool = False) -> File:
        path = self.absolute(path, expand=expand)

        async def read() -> Entry:
            await self.filesystem.evaluate()
            entry, _ = await self.read(path)
            if entry.kind != "f":
                raise EngineError(f"path {path} is a directory, not a file")
            return entry

        return File(self.session, Lazy(read), posixpath.basename(path))

    async def exists(self, path: str, expected_type: str | None = None) -> bool:
        try:
            entry, _ = await self.read(self.absolute(path))
        except EngineError:
            return False
        return expected_type is None or KINDS.get(expected_type) == entry.kind

    def with_directory(
        self,
        path: str,
        source: Directory,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        owner: str = "",
        expand: bool = False,
    ) -> Self:
        where = clean(self.absolute(path, expand=expand))

        async def write() -> Tree:
            tree = await source.tree
            tree = tree.filtered(Filter(include, exclude)) if include or exclude else tree
            entries = {posixpath.join(where, below): entry for below, entry in tree}
            if where and (owner or not entries):
                entries[where] = Entry("d", 0o755)
            return await self._owned(Tree(entries), owner)

        return self._written(where, write)

    def with_file(
        self,
        path: str,
        source: File,
        permissions: int | None = None,
        owner: str = "",
        expand: bool = False,
    ) -> Self:
        where = self.absolute(path, expand=expand)
        where = clean(posixpath.join(where, source.basename) if path.endswith("/") else where)

        async def write() -> Tree:
            entry = await source.entry
            entry = entry._replace(mode=entry.mode if permissions is None else permissions)
            return await self._owned(Tree({where: entry}), owner)

        return self._written(where, write)

    def with_new_file(
        self,
        path: str,
        contents: str,
        permissions: int = 0o644,
        owner: str = "",
        expand: bool = False,
    ) -> Self:
        file = File.new(self.session, posixpath.basename(path), contents, permissions)
        return self.with_file(path, file, owner=owner, expand=expand)

    async def _owned(self, tree: Tree, owner: str) -> Tree:
        if not owner:
            return tree
        uid, gid = await resolve_owner(self.filesystem, owner)
        return tree.mapped(lambda entry: entry._replace(uid=uid, gid=gid))

    def _written(self, where: str, write: Callable[[], Awaitable[Tree]]) -> Self:
        for mount in self.mounted:
            if mount.covers("/" + where):
                return self._written_to_mount(mount, write)
        return replace(self, filesystem=Written(self.session, self.filesystem, Lazy(write)))

    def _written_to_mount(self, mount: Mount, write: Callable[[], Awaitable[Tree]]) -> Self:
        if not isinstance(mount, DirectoryMount):
            raise Unsupported(f"writing into the mount at {mount.path} through the API")

        async def merged() -> Tree:
            prefix = clean(mount.path) + "/"
            written = await write()
            inside = {
                path.removeprefix(prefix): entry
                for path, entry in written
                if path.startswith(prefix)
            }
            return (await mount.tree).with_tree("", Tree(inside).completed())

        after = replace(mount, tree=Lazy(merged))
        return replace(self, mounted=tuple(after if m is mount else m for m in self.mounted))
