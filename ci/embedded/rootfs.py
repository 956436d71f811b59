"""A container's file system: where it comes from, and what was written over it."""

from __future__ import annotations

import asyncio
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ci.embedded.archive import read_tar, tar_of
from ci.embedded.errors import EngineError
from ci.embedded.layers import Layer, pack_layer
from ci.embedded.lazy import Lazy
from ci.embedded.pull import Image
from ci.embedded.session import IMAGES, Session
from ci.embedded.store import key_of
from ci.embedded.taking import take_image
from ci.embedded.tree import Entry, Tree, clean, missing

MAX_LINKS = 40


class Rootfs(ABC):
    """An image of the Docker engine, and a tree to put over it before use."""

    session: Session

    @abstractmethod
    async def key(self) -> str:
        """Identifies the content; equal keys mean equal file systems."""

    @abstractmethod
    async def image(self) -> str:
        """ID of the image in the Docker engine, without what was written over it."""

    @abstractmethod
    async def layers(self) -> list[Layer]:
        """The layers to publish."""

    @abstractmethod
    async def history(self) -> dict[str, Any]:
        """The image's config JSON so far: created, history, and what else the base says."""

    async def writes(self) -> Tree:
        """What lies over `image`."""
        return Tree()

    async def evaluate(self) -> None:  # noqa: B027 - most have nothing to do
        """Do now what is otherwise done on first use."""

    async def container(self, body: dict[str, Any], *, platform: str | None = None) -> str:
        """Create a container of this file system."""
        container = await self.session.container(
            {**body, "Image": await self.image()}, platform=platform
        )
        if (writes := await self.writes()).entries:
            docker = await self.session.docker()
            await docker.put_archive(
                container, await asyncio.to_thread(tar_of, writes, self.session.store)
            )
        return container

    async def read(self, path: str) -> tuple[Entry, Tree]:
        """The entry at `path`, links followed, and the tree below it."""
        key = f"read:{await self.key()}:{path}"
        found = self.session.store.get(key)
        if found and (tree := self.session.store.tree(found["tree"])) is not None:
            return Entry(*found["entry"]), tree
        entry, tree = await self._read(path)
        self.session.store.put(key, {"entry": entry, "tree": self.session.store.put_tree(tree)})
        return entry, tree

    async def _read(self, path: str) -> tuple[Entry, Tree]:
        return await read_container(self.session, await self.reader(), path)

    async def reader(self) -> str:
        """A container of this file system that is never started, to read from."""
        body = {"Entrypoint": ["/none"], "NetworkDisabled": True}
        return await self.session.once(f"reader:{await self.key()}", lambda: self.container(body))


async def read_container(session: Session, container: str, path: str) -> tuple[Entry, Tree]:
    """A path of a container, whether it runs or not."""
    docker = await session.docker()
    asked, links = path, 0
    while (stat := await docker.stat(container, path or "/")) and stat.link_target:
        path, links = stat.link_target, links + 1
        if links > MAX_LINKS:
            raise EngineError(f"{asked}: too many levels of symbolic links")
    if stat is None:
        raise missing(asked)
    tar = await docker.get_archive(container, path or "/")
    name = posixpath.basename(path.rstrip("/"))
    if stat.is_directory:
        return Entry("d", stat.mode), await asyncio.to_thread(
            read_tar, tar, session.store, strip=name
        )
    tree = await asyncio.to_thread(read_tar, tar, session.store)
    return tree.entries[name], Tree()


@dataclass(eq=False)
class Scratch(Rootfs):
    """Nothing."""

    session: Session

    async def key(self) -> str:
        return "scratch"

    async def image(self) -> str:
        async def make() -> str:
            docker = await self.session.docker()
            tar = tar_of(Tree(), self.session.store)
            return await docker.import_tar(tar, repository=IMAGES, tag="scratch")

        return await self.session.once("scratch", make)

    async def layers(self) -> list[Layer]:
        return []

    async def history(self) -> dict[str, Any]:
        return {}

    async def read(self, path: str) -> tuple[Entry, Tree]:
        if clean(path):
            raise missing(path)
        return Entry("d", 0o755), Tree()


@dataclass(eq=False)
class Pulled(Rootfs):
    """An image of a registry, by digest."""

    session: Session
    source: Image
    platform: str

    async def key(self) -> str:
        return self.source.digest

    async def image(self) -> str:
        return await self.session.once(f"pull:{self.source.digest}", self._pull)

    async def _pull(self) -> str:
        docker, (host, path, _) = await self.session.docker(), self.source.repository
        name = path if host == "docker.io" else f"{host}/{path}"
        reference = f"{name}@{self.source.digest}"
        found = await docker.image(reference)
        if found is None:
            self.session.log(f"pull {reference}")
            auth = self.session.registries.credentials(host)
            await docker.pull(name, self.source.digest, platform=self.platform, auth=auth)
            found = await docker.image(reference)
        if found is None:
            raise EngineError(f"{reference} is not there after pulling it")
        return str(found["Id"])

    async def layers(self) -> list[Layer]:
        pairs = zip(
            self.source.config["rootfs"]["diff_ids"], self.source.manifest["layers"], strict=True
        )
        return [
            Layer(diff, layer["digest"], layer["size"], self.source.repository)
            for diff, layer in pairs
        ]

    async def history(self) -> dict[str, Any]:
        return self.source.config


@dataclass(eq=False)
class Built(Rootfs):
    """An image that only the Docker engine has; `known` are layers that came from registries."""

    session: Session
    image_id: str
    known: Sequence[Layer] = ()

    async def key(self) -> str:
        return self.image_id

    async def image(self) -> str:
        return self.image_id

    async def layers(self) -> list[Layer]:
        return (await self._taken())[0]

    async def history(self) -> dict[str, Any]:
        return (await self._taken())[1]

    async def _taken(self) -> tuple[list[Layer], dict[str, Any]]:
        return await self.session.once(
            f"take:{self.image_id}", lambda: take_image(self.session, self.image_id, self.known)
        )


@dataclass(eq=False)
class Written(Rootfs):
    """Files over another file system."""

    session: Session
    parent: Rootfs
    tree: Lazy[Tree]

    async def key(self) -> str:
        return key_of("written", await self.parent.key(), (await self.tree).digest)

    async def image(self) -> str:
        return await self.parent.image()

    async def writes(self) -> Tree:
        entries = dict((await self.parent.writes()).entries)
        for path, entry in await self.tree:
            if entry.kind != "d" and entries.get(path, entry).kind == "d":
                entries = {p: e for p, e in entries.items() if not p.startswith(path + "/")}
            entries[path] = entry
        return Tree(entries)

    async def evaluate(self) -> None:
        await self.parent.evaluate()
        await self.tree

    def base(self) -> Rootfs:
        """What lies below all that was written."""
        return self.parent.base() if isinstance(self.parent, Written) else self.parent

    async def layers(self) -> list[Layer]:
        below = await self.base().layers()
        writes = await self.writes()
        return [*below, await pack_layer(self.session, writes)] if writes.entries else below

    async def history(self) -> dict[str, Any]:
        return await self.base().history()

    async def _read(self, path: str) -> tuple[Entry, Tree]:
        if not isinstance(self.base(), Scratch):
            return await super()._read(path)
        whole = (await self.writes()).completed()
        resolved, entry = whole.lookup(path)
        return entry, whole.directory(resolved) if entry.kind == "d" else Tree()
