"""A container's file system: where it comes from, and what was written over it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import posixpath
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from ci.embedded import sink
from ci.embedded.archive import read_tar, tar_of
from ci.embedded.docker import Docker, DockerError
from ci.embedded.errors import EngineError
from ci.embedded.lazy import Lazy
from ci.embedded.registry import Image, Repository
from ci.embedded.session import IMAGES, Session
from ci.embedded.store import key_of
from ci.embedded.tree import Entry, Tree, clean, missing

MAX_LAYERS = 100  # overlay2 takes 128
MAX_LINKS = 40


class Layer(NamedTuple):
    """A layer as it is pushed; `source` has it when the store has not."""

    diff_id: str
    digest: str
    size: int
    source: Repository | None = None


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

    async def evaluate(self) -> None:
        """Do now what is otherwise done on first use."""

    async def container(self, body: dict[str, Any], *, platform: str | None = None) -> str:
        """Create a container of this file system."""
        container = await self.session.container({**body, "Image": await self.image()}, platform=platform)
        if (writes := await self.writes()).entries:
            docker = await self.session.docker()
            await docker.put_archive(container, await asyncio.to_thread(tar_of, writes, self.session.store))
        return container

    async def read(self, path: str) -> tuple[Entry, Tree]:
        """The entry at `path`, links followed, and the tree below it."""
        key = f"read:{await self.key()}:{path}"
        if found := self.session.store.get(key):
            if (tree := self.session.store.tree(found["tree"])) is not None:
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
        return Entry("d", stat.mode), await asyncio.to_thread(read_tar, tar, session.store, strip=name)
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
        pairs = zip(self.source.config["rootfs"]["diff_ids"], self.source.manifest["layers"], strict=True)
        return [Layer(diff, layer["digest"], layer["size"], self.source.repository) for diff, layer in pairs]

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


async def take_image(
    session: Session, image: str, known: Sequence[Layer]
) -> tuple[list[Layer], dict[str, Any]]:
    """An image's layers, brought into the store where no registry has them, and its config."""
    key = key_of("layers", image, [layer.digest for layer in known])
    if found := session.store.get(key):
        layers = [_layer(row) for row in found["layers"]]
        if all(layer.source or session.store.has_blob(layer.digest[7:]) for layer in layers):
            return layers, found["config"]
    docker = await session.docker()
    session.log(f"take layers of {image[:19]}")
    by_digest = {layer.digest: layer for layer in known}
    manifest = await sink.receive(docker, session.store, image, by_digest)
    config = json.loads(session.store.read_bytes(manifest["config"]["digest"].removeprefix("sha256:")))
    layers = []
    for diff_id, layer in zip(config["rootfs"]["diff_ids"], manifest["layers"], strict=True):
        digest = layer["digest"]
        size = layer["size"] or session.store.blob_path(digest[7:]).stat().st_size
        layers.append(by_digest.get(digest) or Layer(diff_id, digest, size))
    session.store.put(key, {"layers": layers, "config": config})
    return layers, config


def _layer(row: list[Any]) -> Layer:
    diff_id, digest, size, source = row
    return Layer(diff_id, digest, size, Repository(*source) if source else None)


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


async def pack_layer(session: Session, tree: Tree) -> Layer:
    """A tree as a compressed layer in the store."""
    key = f"layer:{session.store.put_tree(tree)}"
    if found := session.store.get(key):
        layer = _layer(found)
        if session.store.has_blob(layer.digest[7:]):
            return layer
    layer = await asyncio.to_thread(_pack, session, tree)
    session.store.put(key, layer)
    return layer


def _pack(session: Session, tree: Tree) -> Layer:
    with tar_of(tree, session.store) as tar, tempfile.TemporaryFile(dir=session.store.root / "tmp") as packed:
        diff_id = _sha256(tar)
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as gz:
            shutil.copyfileobj(tar, gz, 1 << 20)
        packed.seek(0)
        digest, size = session.store.put_stream(packed)
    return Layer(diff_id, f"sha256:{digest}", size)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return f"sha256:{digest.hexdigest()}"


async def runnable_image(session: Session, image: str, *, mounted: set[str]) -> str:
    """The image, or a flat copy where commands would lose data or room.

    What is written below a VOLUME is not in a commit, and layers are limited.
    """
    docker = await session.docker()
    facts = await docker.image(image)
    if facts is None:
        raise EngineError(f"image {image} is gone from the Docker engine")
    volumes = set(facts["Config"].get("Volumes") or ()) - mounted
    if not volumes and len(facts["RootFS"].get("Layers") or ()) <= MAX_LAYERS:
        return image
    return await session.once(f"flat:{image}", lambda: _flatten(session, docker, image))


async def _flatten(session: Session, docker: Docker, image: str) -> str:
    key = key_of("flat", await session.engine_key(), image)
    if (found := session.store.get(key)) and await docker.image(found):
        return str(found)
    session.log(f"flatten {image[:19]}")
    container = await session.container({"Image": image, "Entrypoint": ["/none"]})
    try:
        tar = await docker.download(f"/containers/{container}/export")
        flat = await docker.import_tar(tar, repository=IMAGES, tag=key[:32])
    except DockerError as error:
        raise EngineError(f"cannot flatten {image}: {error}") from error
    finally:
        await session.remove(container)
    session.store.put(key, flat, image=flat)
    return flat


async def resolve_owner(rootfs: Rootfs, owner: str) -> tuple[int, int]:
    """Numbers of ``user[:group]``, looked up in the file system's own passwd and group files."""
    user, _, group = owner.partition(":")
    uid, primary = (int(user), int(user)) if user.isdigit() else await _account(rootfs, "passwd", user)
    if not group:
        return uid, primary
    return uid, int(group) if group.isdigit() else (await _account(rootfs, "group", group))[0]


async def _account(rootfs: Rootfs, database: str, name: str) -> tuple[int, int]:
    entry, _ = await rootfs.read(f"/etc/{database}")
    for line in rootfs.session.store.read_bytes(entry.content).decode(errors="replace").splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2]), int(fields[3]) if database == "passwd" else 0
    raise EngineError(f"no such {'user' if database == 'passwd' else 'group'}: {name}")
