"""Host and Address: what the client's machine lends to the session."""

from __future__ import annotations

import asyncio
import os
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ci.embedded.errors import EngineError
from ci.embedded.hostfiles import read_file, read_tree
from ci.embedded.lazy import Lazy
from ci.embedded.patterns import Filter
from ci.embedded.tree import Entry
from ci.embedded.types.base import Api
from ci.embedded.types.directory import Directory
from ci.embedded.types.file import File
from ci.embedded.types.git import GitRepository
from ci.embedded.types.host_service import HostService
from ci.embedded.types.secret import Secret, secret_at

if TYPE_CHECKING:
    from ci.embedded.types.container import Container


@dataclass(frozen=True, eq=False)
class Host(Api):
    """The machine that the client runs on."""

    typename: ClassVar[str] = "Host"

    async def directory(
        self,
        path: str,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        no_cache: bool = False,
    ) -> Directory:
        where = os.path.abspath(os.path.expanduser(path))
        keep = Filter(include, exclude)
        # Read when asked for, as Dagger does: a later change of the host must not show.
        tree = await asyncio.to_thread(read_tree, where, self.session.store, keep)
        whole = not include and not exclude
        return Directory(self.session, Lazy.of(tree), where, where if whole else "")

    async def file(self, path: str, no_cache: bool = False) -> File:
        where = os.path.abspath(os.path.expanduser(path))
        if not os.path.isfile(where):
            raise EngineError(f"failed to get snapshot: lstat {path}: no such file or directory")

        entry: Entry = await asyncio.to_thread(read_file, where, self.session.store)
        return File(self.session, Lazy.of(entry), os.path.basename(where))

    def service(self, ports: Sequence[Mapping[str, Any]], host: str = "localhost") -> HostService:
        forwards = [(port.get("frontend") or port["backend"], port["backend"]) for port in ports]
        return HostService(self.session, host=host, forwards=forwards)


@dataclass(frozen=True, eq=False)
class Address(Api):
    """A text of the command line that names something."""

    typename: ClassVar[str] = "Address"
    text: str

    def value(self) -> str:
        return self.text

    def secret(self) -> Secret:
        return secret_at(self.session, self.text)

    async def container(self) -> Container:
        from ci.embedded.types.query import Query

        return await Query(self.session).container().from_(self.text)

    async def directory(
        self, exclude: Sequence[str] = (), include: Sequence[str] = (), no_cache: bool = False
    ) -> Directory:
        return await Host(self.session).directory(self._path(), exclude, include)

    async def file(
        self, exclude: Sequence[str] = (), include: Sequence[str] = (), no_cache: bool = False
    ) -> File:
        return await Host(self.session).file(self._path())

    async def git_repository(self) -> GitRepository:
        where = self._path()
        if not os.path.isdir(where):
            raise EngineError(
                f"{self.text}: no such git repository on this machine; use Dagger for remote ones"
            )
        return GitRepository(self.session, Lazy.of(os.path.abspath(where)))

    def service(self) -> HostService:
        url = urllib.parse.urlsplit(self.text)
        if url.scheme != "tcp" or not url.hostname or not url.port:
            raise EngineError(f"{self.text!r} is not a service address: use tcp://host:port")
        return HostService(self.session, host=url.hostname, forwards=[(url.port, url.port)])

    def _path(self) -> str:
        return os.path.expanduser(self.text.removeprefix("file://"))
