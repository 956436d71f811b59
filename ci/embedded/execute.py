"""Running one command in a container and keeping what it did."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.embedded.archive import tar_of
from ci.embedded.attach import run_attached
from ci.embedded.command import NOT_STARTED, Command, Output
from ci.embedded.docker import Docker, DockerError
from ci.embedded.errors import EngineError, ExecFailed, Unsupported
from ci.embedded.launcher import SHELL, launched
from ci.embedded.layers import Layer
from ci.embedded.lazy import Lazy
from ci.embedded.mounts import CacheMount, DirectoryMount
from ci.embedded.owners import resolve_owner
from ci.embedded.rootfs import Rootfs, Written
from ci.embedded.runnable import runnable_image
from ci.embedded.session import IMAGES, Session
from ci.embedded.store import key_of
from ci.embedded.taking import take_image
from ci.embedded.tree import Entry, Tree, clean

if TYPE_CHECKING:
    from ci.embedded.types.container import Container


@dataclass(frozen=True)
class Outcome:
    """What a command did; its image may still be in the making."""

    facts: dict[str, Any]  # exit_code, stdout, stderr, combined, mounts, layers_below
    image: Awaitable[str]


class Executed(Rootfs):
    """The file system after a command, and the command's result."""

    def __init__(self, container: Container, command: Command) -> None:
        self.session = container.session
        self.before, self.command = container, command
        self._key: str | None = None

    async def key(self) -> str:
        if self._key is None:
            before, config = self.before, self.before.config
            secret_keys = [[name, await item.cache_key()] for name, item in before.secret_env]
            bound = [[alias, await service.key()] for alias, service in before.bindings]
            mounts = [await mount.key() for mount in before.mounted]
            where = [before.platform, dict(config.env), config.user, config.workdir]
            self._key = key_of(
                "exec",
                await before.filesystem.key(),
                self.command.key(),
                where,
                secret_keys,
                bound,
                mounts,
            )
        return self._key

    async def evaluate(self) -> None:
        await self.result()

    async def result(self) -> dict[str, Any]:
        """Exit code, streams and mounted directories; from the cache where it holds."""
        return (await self._outcome()).facts

    async def image(self) -> str:
        return await (await self._outcome()).image

    async def _outcome(self) -> Outcome:
        key = f"exec:{await self.session.engine_key()}:{await self.key()}"
        return await self.session.once(key, lambda: self._cached(key))

    async def _cached(self, key: str) -> Outcome:
        if found := self.session.store.get(key):
            docker = await self.session.docker()
            trees = found["facts"]["mounts"].values()
            if await docker.image(found["image"]) and all(
                self.session.store.has_blob(d) for d in trees
            ):
                self.session.log(f"cached {shlex.join(self.command.args)[:100]}")
                return Outcome(found["facts"], Lazy.of(found["image"]))
        facts, committed = await Run(self).run()

        async def keep() -> str:
            image, size_bytes = await committed
            self.session.store.put(
                key, {"facts": facts, "image": image}, image=image, size_bytes=size_bytes
            )
            return image

        # The next command needs the image; stdout does not.
        return Outcome(facts, self.session.later(keep()))

    async def layers(self) -> list[Layer]:
        parent = self.before.filesystem
        below = await (parent.base() if isinstance(parent, Written) else parent).layers()
        taken, _ = await take_image(self.session, await self.image(), below)
        return [*below, *taken[(await self.result())["layers_below"] :]]

    async def history(self) -> dict[str, Any]:
        below = await self.before.filesystem.history()
        entry = {"created_by": shlex.join(self.command.args), "comment": "ci.embedded"}
        return {**below, "history": [*below.get("history", []), entry]}


class Run:
    """One run of a command that the cache does not hold."""

    def __init__(self, executed: Executed) -> None:
        self.executed, self.before, self.command = executed, executed.before, executed.command
        self.session: Session = executed.session

    async def run(self) -> tuple[dict[str, Any], asyncio.Future[tuple[str, int]]]:
        """Run it; the result is there before its image is."""
        docker = await self.session.docker()
        image = await runnable_image(
            self.session,
            await self.before.filesystem.image(),
            mounted={m.path for m in self.before.mounted},
        )
        facts = await docker.image(image) or {}
        body = await self._body(image, facts)
        writes, stdin = await self.before.filesystem.writes(), await self._stdin()
        container, kept = None, False
        try:
            # Taken when nothing below has to be waited for, or deep chains would block each other.
            async with self._locks(), self.session.slots:
                self.session.log(f"exec {shlex.join(self.command.args)[:100]}")
                container = await self.session.container(
                    body, platform=self._foreign_platform(docker)
                )
                await self._prepare(docker, container, writes)
                code, output = await self._start(docker, container, stdin)
                result = await self._result(docker, container, code, output)
            result["layers_below"] = len(facts["RootFS"].get("Layers") or ())
            kept = True
            return result, self.session.later(self._commit(docker, container, facts.get("Size", 0)))
        finally:
            if container and not kept:
                self.session.later(self.session.remove(container))

    def _foreign_platform(self, docker: Docker) -> str | None:
        native = {"x86_64": "amd64", "aarch64": "arm64"}.get(docker.info["Architecture"], "")
        return None if self.before.platform == f"linux/{native}" else self.before.platform

    async def _body(self, image: str, facts: dict[str, Any]) -> dict[str, Any]:
        before, config = self.before, self.before.config
        mounts = [await mount.spec(self.session, before.filesystem) for mount in before.mounted]
        command, more = await launched(self.session, self.command.args, before.secret_env)
        inherited = [pair.partition("=")[0] for pair in facts["Config"].get("Env") or ()]
        unset = [name for name in inherited if name not in config.env and name != "PATH"]
        return {
            "Image": image,
            "Entrypoint": command[:1],
            "Cmd": command[1:],
            "Env": [*(f"{name}={value}" for name, value in config.env.items()), *unset],
            "User": config.user,
            "WorkingDir": config.workdir or "/",
            "Hostname": "dagger",
            "Healthcheck": {"Test": ["NONE"]},
            "AttachStdout": True,
            "AttachStderr": True,
            **(
                {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True}
                if self._has_stdin()
                else {}
            ),
            "HostConfig": {
                "Mounts": [*mounts, *more],
                "ExtraHosts": await before.extra_hosts(),
                "Init": not self.command.no_init,
                "LogConfig": {"Type": "none"},
            },
        }

    def _has_stdin(self) -> bool:
        return bool(self.command.stdin or self.command.redirect_stdin)

    async def _stdin(self) -> bytes | None:
        if path := self.command.redirect_stdin:
            entry, _ = await self.before.read(self.before.absolute(path))
            return self.session.store.read_bytes(entry.content)
        return self.command.stdin.encode() if self.command.stdin else None

    @contextlib.asynccontextmanager
    async def _locks(self) -> AsyncIterator[None]:
        caches = [
            m for m in self.before.mounted if isinstance(m, CacheMount) and m.sharing == "LOCKED"
        ]
        async with contextlib.AsyncExitStack() as stack:
            for name in sorted({cache.name for cache in caches}):
                await stack.enter_async_context(self.session.locks.setdefault(name, asyncio.Lock()))
            yield

    async def _prepare(self, docker: Docker, container: str, writes: Tree) -> None:
        config = self.before.config
        if writes.entries:
            await docker.put_archive(
                container, await asyncio.to_thread(tar_of, writes, self.session.store)
            )
        for mount in self.before.mounted:
            if isinstance(mount, DirectoryMount):
                await mount.fill(self.session, self.before.filesystem, container)
        # Docker has just made a missing working directory for root; Dagger makes it for the user.
        if config.user and config.workdir.strip("/"):
            reader = await self.before.filesystem.reader()
            if await docker.stat(reader, config.workdir) is None:
                uid, gid = await resolve_owner(self.before.filesystem, config.user)
                directory = Tree({clean(config.workdir): Entry("d", 0o755, uid, gid)})
                await docker.put_archive(container, tar_of(directory, self.session.store))

    async def _start(
        self, docker: Docker, container: str, stdin: bytes | None
    ) -> tuple[int, Output]:
        output = Output.empty()
        try:
            return await run_attached(docker, container, stdin, output.take), output
        except DockerError as error:
            reason = NOT_STARTED.search(str(error))
            if reason is None:
                raise
            if self.before.secret_env and SHELL in str(error):
                raise Unsupported(
                    "Container.withSecretVariable on an image without /bin/sh"
                ) from error
            output.take(2, reason.group(0).encode())
            return 1, output

    async def _result(
        self, docker: Docker, container: str, code: int, output: Output
    ) -> dict[str, Any]:
        if code in (126, 127) and output.stderr.startswith(b"[FATAL tini"):
            output = Output.empty()
            output.take(
                2, f'exec: "{self.command.args[0]}": executable file not found in $PATH'.encode()
            )
            code = 1
        secrets = [await secret.plaintext() for secret in self.before.secrets()]
        streams = {
            name: self.session.scrubber.scrub(bytes(data).decode(errors="replace"), secrets)
            for name, data in vars(output).items()
        }
        if not self.command.accepts(code):
            raise ExecFailed(list(self.command.args), code, streams["stdout"], streams["stderr"])
        await self._redirect(container, output)
        read_back = [
            m for m in self.before.mounted if isinstance(m, DirectoryMount) and not m.read_only
        ]
        mounts = {mount.path: await mount.read_back(self.session, container) for mount in read_back}
        return {"exit_code": code, **streams, "mounts": mounts}

    async def _redirect(self, container: str, output: Output) -> None:
        files = {
            self.command.redirect_stdout: output.stdout,
            self.command.redirect_stderr: output.stderr,
        }
        for path, data in files.items():
            if path:
                user = self.before.config.user
                uid, gid = await resolve_owner(self.before.filesystem, user) if user else (0, 0)
                entry = self.session.store.new_file(bytes(data), 0o600)
                where = clean(self.before.absolute(path))
                owned = entry._replace(uid=uid, gid=gid, mtime=int(time.time()))
                docker = await self.session.docker()
                await docker.put_archive(
                    container, tar_of(Tree({where: owned}), self.session.store)
                )

    async def _commit(self, docker: Docker, container: str, below_bytes: int) -> tuple[str, int]:
        try:
            config = {"Env": [f"{name}={value}" for name, value in self.before.config.env.items()]}
            tag = (await self.executed.key())[:32]
            image = await docker.commit(container, repository=IMAGES, tag=tag, config=config)
        finally:
            await self.session.remove(container)
        facts = await docker.image(image)
        if facts is None:
            raise EngineError(f"the Docker engine lost image {image} right after committing it")
        return image, max(facts["Size"] - below_bytes, 0)
