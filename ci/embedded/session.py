"""What the objects of one client session share, and what has to be gone when it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ci.embedded.docker import Docker
from ci.embedded.dockerenv import docker_credentials, find_docker
from ci.embedded.errors import EngineError
from ci.embedded.private import PrivateFolder, is_alive, sweep
from ci.embedded.registry import Registries
from ci.embedded.scrub import Scrubber
from ci.embedded.store import Store

T = TypeVar("T")
LABEL_STATE, LABEL_SESSION = "ci.embedded.state", "ci.embedded.session"
IMAGES = "ci-embedded"
PARALLEL = 8
CACHE_LIMIT_MIB = 10_240
RECENT_S = 600


def state_directory(environ: Mapping[str, str]) -> Path:
    """Where the cache lives."""
    if path := environ.get("CI_EMBEDDED_STATE"):
        return Path(path)
    cache = environ.get("XDG_CACHE_HOME") or f"{environ['HOME']}/.cache"
    return Path(cache, "ci-embedded")


class Session:
    """Store, Docker, registries, secrets and running things of one client."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # As with Dagger: what env:// secrets find is settled when the session starts.
        self.environ = dict(environ)
        self.id = secrets.token_hex(6)
        self.store = Store(state_directory(environ))
        sweep()
        self._folder = PrivateFolder(self.id)
        self.scrubber = Scrubber()
        self.logins: dict[str, tuple[str, str]] = {}
        self.registries = Registries(self.store, self._login, self._mirrors)
        self.slots = asyncio.Semaphore(PARALLEL)
        self.locks: dict[str, asyncio.Lock] = {}
        self.services: dict[str, Any] = {}
        self.containers: set[str] = set()
        self.private = self._folder.path
        self._verbose = bool(self.environ.get("CI_EMBEDDED_VERBOSE"))
        self._started = time.monotonic()
        self._docker: asyncio.Future[Docker] | None = None
        self._handles: dict[str, Any] = {}
        self._work: dict[str, asyncio.Future[Any]] = {}
        self._background: set[asyncio.Future[Any]] = set()
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def log(self, text: str) -> None:
        """Tell what the engine is doing, when asked to."""
        if self._verbose:
            elapsed = time.monotonic() - self._started
            print(
                f"[{elapsed:6.1f}s] {self.scrubber.scrub_long(text)}", file=sys.stderr, flush=True
            )

    def _login(self, host: str) -> tuple[str, str] | None:
        return self.logins.get(host) or docker_credentials(self.environ, host)

    async def _mirrors(self) -> list[str]:
        """The mirrors of Docker Hub that the Docker engine is configured with."""
        return list((await self.docker()).info["RegistryConfig"].get("Mirrors") or ())

    # Objects ----------------------------------------------------------------------------

    def handle(self, item: Any) -> str:
        """The opaque ID under which the client knows an object."""
        handle: str | None = item.__dict__.get("_handle")
        if handle is None:
            name = f"{item.typename}:{self.id}:{len(self._handles)}"
            handle = base64.urlsafe_b64encode(name.encode()).decode()
            object.__setattr__(item, "_handle", handle)
            self._handles[handle] = item
        return handle

    def load(self, handle: str) -> Any:
        """The object of an ID."""
        try:
            return self._handles[handle]
        except KeyError:
            raise EngineError(
                f"unknown ID {handle[:40]!r}: an ID lives as long as its session"
            ) from None

    def secret_key(self, plaintext: str) -> str:
        """What stands for a secret in cache keys; useless without this store's salt."""
        return hmac.new(self.store.salt, plaintext.encode(), hashlib.sha256).hexdigest()

    # Work -------------------------------------------------------------------------------

    async def once(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` unless its key is under way or done in this session; failures are not kept."""
        future: asyncio.Future[T] | None = self._work.get(key)
        if future is None:
            future = self._work[key] = asyncio.ensure_future(work())
        try:
            return await asyncio.shield(future)
        except Exception:
            if self._work.get(key) is future:
                del self._work[key]
            raise

    def later(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Work that nobody has to wait for before the session ends."""
        future = asyncio.ensure_future(work)
        self._background.add(future)
        future.add_done_callback(self._background.discard)
        return future

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have something ended with the session."""
        self._closers.append(closer)

    # Docker -----------------------------------------------------------------------------

    async def docker(self) -> Docker:
        """The Docker engine, connected on first use."""
        if self._docker is None:
            self._docker = asyncio.ensure_future(self._connect())
        return await asyncio.shield(self._docker)

    async def _connect(self) -> Docker:
        docker = Docker(find_docker(self.environ))
        await docker.connect()
        await self._sweep(docker)
        return docker

    async def engine_key(self) -> str:
        """Tells one Docker engine's images from another's in cache keys."""
        return str((await self.docker()).info["ID"])

    def labels(self) -> dict[str, str]:
        """Marks what has to go with this session."""
        return {LABEL_STATE: self.store.id, LABEL_SESSION: self.id}

    async def container(self, body: dict[str, Any], *, platform: str | None = None) -> str:
        """Create a container that does not outlive the session."""
        docker = await self.docker()
        container = await docker.create({**body, "Labels": self.labels()}, platform=platform)
        self.containers.add(container)
        return container

    async def remove(self, container: str) -> None:
        """Remove a container of this session."""
        await (await self.docker()).remove(container)
        self.containers.discard(container)

    async def _sweep(self, docker: Docker) -> None:
        """Remove the containers of sessions on this store that were killed."""
        query = {"all": "1", "filters": json.dumps({"label": [f"{LABEL_STATE}={self.store.id}"]})}
        for found in await docker.json("GET", "/containers/json", params=query):
            session = found["Labels"].get(LABEL_SESSION, "")
            if session != self.id and not is_alive(session):
                await docker.remove(found["Id"])

    # End --------------------------------------------------------------------------------

    async def close(self) -> None:
        """End everything that was started; what is worth keeping is in the store by then."""
        for future in self._work.values():
            future.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)
        while self._background:  # what was cancelled may leave more to clean up
            await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(closer() for closer in self._closers), return_exceptions=True)
        if (
            self._docker is not None
            and not self._docker.cancelled()
            and self._docker.exception() is None
        ):
            docker = self._docker.result()
            await asyncio.gather(
                *(docker.remove(c) for c in self.containers), return_exceptions=True
            )
            await self._prune(docker)
            await docker.close()
        await self.registries.close()
        self._folder.close()
        self.store.close()

    async def _prune(self, docker: Docker) -> None:
        limit_mib = int(self.environ.get("CI_EMBEDDED_CACHE_MIB", CACHE_LIMIT_MIB))
        stale = await asyncio.to_thread(
            self.store.prune, limit_mib << 20, keep_newer_than=time.time() - RECENT_S
        )
        with contextlib.suppress(EngineError):
            for image in stale:
                await docker.remove_image(image)
