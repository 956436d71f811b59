"""Query: where every chain begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar

from ci.embedded.errors import Unsupported
from ci.embedded.lazy import Lazy
from ci.embedded.platforms import default_platform, normal_platform
from ci.embedded.rootfs import Scratch
from ci.embedded.tree import Tree
from ci.embedded.types.base import Api
from ci.embedded.types.container import Container
from ci.embedded.types.directory import Directory
from ci.embedded.types.file import File
from ci.embedded.types.git import GitRepository
from ci.embedded.types.host import Address, Host
from ci.embedded.types.secret import CacheVolume, Secret, secret_at

# The engine whose answers the conformance suite holds us to.
ENGINE_VERSION = "v0.21.8"


@dataclass(frozen=True, eq=False)
class Query(Api):
    """The root of the API."""

    typename: ClassVar[str] = "Query"

    def version(self) -> str:
        return ENGINE_VERSION

    def default_platform(self) -> str:
        return default_platform()

    def container(self, platform: str | None = None) -> Container:
        return Container(self.session, normal_platform(platform), filesystem=Scratch(self.session))

    def directory(self) -> Directory:
        return Directory(self.session, Lazy.of(Tree()))

    def file(self, name: str, contents: str, permissions: int = 0o644) -> File:
        return File.new(self.session, name, contents, permissions)

    def host(self) -> Host:
        return Host(self.session)

    def address(self, value: str) -> Address:
        return Address(self.session, value)

    def cache_volume(self, key: str) -> CacheVolume:
        return CacheVolume(self.session, key)

    def set_secret(self, name: str, plaintext: str) -> Secret:
        return Secret.of(self.session, name, plaintext)

    def secret(self, uri: str) -> Secret:
        return secret_at(self.session, uri)

    def git(self, url: str) -> GitRepository:
        path = url.removeprefix("file://")
        if not os.path.isdir(path):
            raise Unsupported(f"Query.git of the remote repository {url!r}")
        return GitRepository(self.session, Lazy.of(os.path.abspath(path)))

    def node(self, id: str) -> Any:  # noqa: A002 - the API's name
        return self.session.load(id)

    def __getattr__(self, name: str) -> Any:
        # loadContainerFromID and its like: one for each type, all the same.
        if name.startswith("load_") and name.endswith("_from_id"):
            return self.node
        raise AttributeError(name)
