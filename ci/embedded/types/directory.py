"""Directory."""

from __future__ import annotations

import asyncio
import posixpath
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ci.embedded import builder, hostfiles
from ci.embedded.errors import EngineError, Unsupported
from ci.embedded.lazy import Lazy
from ci.embedded.patterns import Filter
from ci.embedded.platforms import normal_platform
from ci.embedded.tree import DIRECTORY, Entry, Tree
from ci.embedded.types.base import Api
from ci.embedded.types.file import File
from ci.embedded.types.secret import Secret

if TYPE_CHECKING:
    from ci.embedded.types.container import Container
    from ci.embedded.types.git import GitRepository

KINDS = {"REGULAR_TYPE": "f", "DIRECTORY_TYPE": "d", "SYMLINK_TYPE": "l"}


@dataclass(frozen=True, eq=False)
class Directory(Api):
    """A directory, read when it is needed."""

    typename: ClassVar[str] = "Directory"
    tree: Lazy[Tree]
    path: str = "/"
    # Where it was read from, whole: what asGit needs not be copied for.
    origin: str = ""

    def _derived(self, change: Callable[[Tree], Awaitable[Tree]]) -> Directory:
        async def make() -> Tree:
            return await change(await self.tree)

        return replace(self, tree=Lazy(make), path="/", origin="")

    # Reading ----------------------------------------------------------------------------

    async def sync(self) -> str:
        await self.tree
        return self.id()

    def name(self) -> str:
        return posixpath.basename(self.path.rstrip("/")) + "/"

    async def digest(self) -> str:
        return "sha256:" + (await self.tree).digest

    async def entries(self, path: str = "") -> list[str]:
        return (await self.tree).directory(path).names()

    async def glob(self, pattern: str) -> list[str]:
        return (await self.tree).glob(pattern)

    async def exists(self, path: str, expected_type: str | None = None) -> bool:
        try:
            _, entry = (await self.tree).lookup(path)
        except EngineError:
            return False
        return expected_type is None or KINDS.get(expected_type) == entry.kind

    def directory(self, path: str) -> Directory:
        async def below(tree: Tree) -> Tree:
            return tree.directory(path)

        return replace(self._derived(below), path=posixpath.join("/", path))

    def file(self, path: str) -> File:
        async def entry() -> Entry:
            return (await self.tree).file(path)

        return File(self.session, Lazy(entry), posixpath.basename(path))

    # Composing --------------------------------------------------------------------------

    def with_new_file(self, path: str, contents: str, permissions: int = 0o644) -> Directory:
        return self.with_file(
            path, File.new(self.session, posixpath.basename(path), contents, permissions)
        )

    def with_new_directory(self, path: str, permissions: int = 0o755) -> Directory:
        async def put(tree: Tree) -> Tree:
            # 420 is 0644, the API's default, which no directory can mean.
            mode = DIRECTORY.mode if permissions == 0o644 else permissions
            return tree.with_entry(path, DIRECTORY._replace(mode=mode))

        return self._derived(put)

    def with_file(self, path: str, source: File, permissions: int | None = None) -> Directory:
        async def put(tree: Tree) -> Tree:
            entry = await source.entry
            where = posixpath.join(path, source.basename) if path.endswith("/") else path
            mode = entry.mode if permissions is None else permissions
            return tree.with_entry(where, entry._replace(mode=mode))

        return self._derived(put)

    def with_directory(
        self, path: str, source: Directory, exclude: Sequence[str] = (), include: Sequence[str] = ()
    ) -> Directory:
        async def put(tree: Tree) -> Tree:
            return tree.with_tree(path, (await source.tree).filtered(Filter(include, exclude)))

        return self._derived(put)

    def without_file(self, path: str) -> Directory:
        async def remove(tree: Tree) -> Tree:
            return tree.without(path)

        return self._derived(remove)

    without_directory = without_file

    def filter(self, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> Directory:
        async def keep(tree: Tree) -> Tree:
            return tree.filtered(Filter(include, exclude))

        return self._derived(keep)

    # Out of the session -----------------------------------------------------------------

    async def export(self, path: str, wipe: bool = False) -> str:
        target = Path(path).absolute()
        tree = await self.tree
        await asyncio.to_thread(hostfiles.write_tree, tree, self.session.store, target, wipe=wipe)
        return str(target)

    def as_git(self) -> GitRepository:
        from ci.embedded.types.git import GitRepository

        if self.origin:
            return GitRepository(self.session, Lazy.of(self.origin))

        async def checkout() -> str:
            path = tempfile.mkdtemp(dir=self.session.private)
            return await self.export(path)

        return GitRepository(self.session, Lazy(checkout))

    async def docker_build(
        self,
        dockerfile: str = "Dockerfile",
        platform: str | None = None,
        build_args: Sequence[Mapping[str, str]] = (),
        target: str = "",
        secrets: Sequence[Secret] = (),
    ) -> Container:
        if secrets:
            raise Unsupported("Directory.dockerBuild(secrets)")
        from ci.embedded.types.container import Container

        order = builder.Order(
            dockerfile=dockerfile,
            platform=normal_platform(platform),
            arguments={arg["name"]: arg["value"] for arg in build_args or ()},
            target=target,
        )

        built, config = await builder.build(self.session, await self.tree, order)
        return Container(self.session, order.platform, config=config, filesystem=built)
