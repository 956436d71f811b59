"""What is mounted into a command and is not part of the image."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ci.embedded.archive import tar_of
from ci.embedded.errors import EngineError
from ci.embedded.lazy import Lazy
from ci.embedded.owners import resolve_owner
from ci.embedded.rootfs import Rootfs, read_container
from ci.embedded.session import LABEL_STATE, Session
from ci.embedded.store import key_of
from ci.embedded.tree import Entry, Tree, clean

if TYPE_CHECKING:
    from ci.embedded.types.secret import Secret


@dataclass(frozen=True)
class Mount:
    """Something at a path; each kind says what it adds to the container."""

    path: str

    async def key(self) -> list[Any]:
        """Identifies what a command sees."""
        raise NotImplementedError

    async def spec(self, session: Session, rootfs: Rootfs) -> dict[str, Any]:
        """The entry for ``HostConfig.Mounts``."""
        raise NotImplementedError

    def covers(self, path: str) -> bool:
        """Whether a path lies in it."""
        return path == self.path or path.startswith(self.path.rstrip("/") + "/")

    async def read(self, path: str) -> tuple[Entry, Tree]:
        """What the API may read of it."""
        raise EngineError(
            f"{path}: cannot retrieve path from {type(self).__name__.removesuffix('Mount').lower()}"
        )


@dataclass(frozen=True)
class CacheMount(Mount):
    """A cache volume: a Docker volume that every session on this store shares."""

    name: str
    sharing: str = "SHARED"
    owner: str = ""

    async def key(self) -> list[Any]:
        return [self.path, "cache", self.name, self.owner]

    def volume(self, session: Session) -> str:
        """The Docker volume's name."""
        return f"ci-embedded-{session.store.id}-{key_of(self.name)[:24]}"

    async def spec(self, session: Session, rootfs: Rootfs) -> dict[str, Any]:
        options = {"NoCopy": True, "Labels": {LABEL_STATE: session.store.id}}
        source = self.volume(session)
        return {"Type": "volume", "Source": source, "Target": self.path, "VolumeOptions": options}


@dataclass(frozen=True)
class SecretMount(Mount):
    """A secret as a file, bound from memory: it is in no image and no volume."""

    secret: Secret
    owner: str = ""
    mode: int = 0o400

    async def key(self) -> list[Any]:
        return [self.path, "secret", await self.secret.cache_key(), self.owner, self.mode]

    async def spec(self, session: Session, rootfs: Rootfs) -> dict[str, Any]:
        owner = await resolve_owner(rootfs, self.owner) if self.owner else None
        file = private_file(session, await self.secret.plaintext(), mode=self.mode, owner=owner)
        return {"Type": "bind", "Source": file, "Target": self.path, "ReadOnly": True}


@dataclass(frozen=True)
class DirectoryMount(Mount):
    """A directory: filled before the command, read back after it."""

    tree: Lazy[Tree]
    owner: str = ""
    read_only: bool = False

    async def key(self) -> list[Any]:
        return [self.path, "directory", (await self.tree).digest, self.owner, self.read_only]

    async def spec(self, session: Session, rootfs: Rootfs) -> dict[str, Any]:
        return {"Type": "volume", "Target": self.path, "VolumeOptions": {"NoCopy": True}}

    async def fill(self, session: Session, rootfs: Rootfs, container: str) -> None:
        """Put the files into the created container."""
        tree = await self.tree
        if self.owner:
            uid, gid = await resolve_owner(rootfs, self.owner)
            tree = tree.mapped(lambda entry: entry._replace(uid=uid, gid=gid))
        docker = await session.docker()
        tar = await asyncio.to_thread(tar_of, tree, session.store, prefix=clean(self.path) + "/")
        await docker.put_archive(container, tar)

    async def read_back(self, session: Session, container: str) -> str:
        """The digest of what the command left."""
        _, tree = await read_container(session, container, self.path)
        return session.store.put_tree(tree)

    def after(self, tree: Lazy[Tree]) -> DirectoryMount:
        """The same mount as the next command sees it."""
        return self if self.read_only else replace(self, tree=tree, owner="")

    async def read(self, path: str) -> tuple[Entry, Tree]:
        tree = await self.tree
        resolved, entry = tree.lookup(path[len(self.path) :])
        return entry, tree.directory(resolved) if entry.kind == "d" else Tree()


def private_file(
    session: Session, text: str, *, mode: int, owner: tuple[int, int] | None = None
) -> str:
    """A file that only this session's containers see, gone with the session."""
    path = session.private / secrets.token_hex(8)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
        if owner and os.getuid() == 0:
            os.fchown(file.fileno(), *owner)
    return str(path)
