"""The part of the OCI distribution protocol that pulling a base and pushing an image need."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from ci.embedded.challenge import answer_challenge, is_loopback
from ci.embedded.media import ACCEPT, choose_platform
from ci.embedded.patience import ATTEMPTS, backoff_s, wait_s
from ci.embedded.reference import DOCKER_HUB, Reference, RegistryError, Repository
from ci.embedded.store import Store

MANIFEST_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True)
class Image:
    """One platform's image in a registry, with its raw JSON parsed."""

    repository: Repository
    digest: str
    manifest: dict[str, Any]
    config: dict[str, Any]


@dataclass
class Registries:
    """A client for every registry that a session touches."""

    store: Store
    credentials: Callable[[str], tuple[str, str] | None]
    mirrors: Callable[[], Awaitable[list[str]]]
    # How long a registry may show no sign of life.
    no_progress_s: float = 30.0
    _tokens: dict[tuple[str, str, str], str] = field(default_factory=dict)

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        # Made when the first registry is asked: it reads all certificates of this machine.
        limits = httpx.Limits(max_connections=32)
        return httpx.AsyncClient(
            timeout=httpx.Timeout(self.no_progress_s, connect=10), limits=limits
        )

    async def close(self) -> None:
        """Close the connections."""
        if "_http" in vars(self):
            await self._http.aclose()

    # Pulling ----------------------------------------------------------------------------

    async def resolve(self, reference: Reference, platform: str) -> tuple[str, Image]:
        """The digest that the reference names now, and the image of one platform behind it."""
        top, manifest = await self._manifest(
            reference.repository, reference.digest or reference.tag
        )
        digest = top
        if "manifests" in manifest:
            digest = choose_platform(manifest, platform)
            _, manifest = await self._manifest(reference.repository, digest)
        config = json.loads(
            await self._blob_bytes(reference.repository, manifest["config"]["digest"])
        )
        return top, Image(reference.repository, digest, manifest, config)

    async def _manifest(
        self, repository: Repository, identifier: str
    ) -> tuple[str, dict[str, Any]]:
        response = await self.send(
            repository, "GET", f"manifests/{identifier}", headers={"Accept": ACCEPT}
        )
        if response.status_code == 404:
            raise RegistryError("not found")
        raw = _checked(response).content
        digest = "sha256:" + hashlib.sha256(raw).hexdigest()
        if ":" in identifier and digest != identifier:
            raise RegistryError(f"{repository.path}@{identifier}: the registry sent {digest}")
        if len(raw) > MANIFEST_LIMIT_BYTES:
            raise RegistryError(
                f"{repository.path}:{identifier}: manifest of {len(raw)} bytes is too large"
            )
        return digest, json.loads(raw)

    async def _blob_bytes(self, repository: Repository, digest: str) -> bytes:
        await self.fetch(repository, digest)
        return self.store.read_bytes(digest.removeprefix("sha256:"))

    async def fetch(self, repository: Repository, digest: str) -> None:
        """Bring a blob into the store, hashed on the way."""
        if self.store.has_blob(digest.removeprefix("sha256:")):
            return
        response = await self.send(repository, "GET", f"blobs/{digest}", stream=True)
        try:
            with self.store.writer() as writer:
                if response.status_code != 200:
                    await response.aread()
                async for chunk in _checked(response).aiter_raw():
                    writer.write(chunk)
                got, _ = writer.commit()
        finally:
            await response.aclose()
        if f"sha256:{got}" != digest:
            raise RegistryError(f"{repository.path}: blob {digest} came as sha256:{got}")

    # Pushing ----------------------------------------------------------------------------

    async def push_blob(
        self, target: Repository, digest: str, size: int, source: Repository | None
    ) -> None:
        """Have a blob there: already, mounted from a neighbour, or uploaded from the store."""
        head = await self.send(target, "HEAD", f"blobs/{digest}", push=True)
        if head.status_code == 200:
            return
        neighbour = source is not None and source.host == target.host
        query = {"mount": digest, "from": source.path} if source and neighbour else {}
        if source and not neighbour:
            await self.fetch(source, digest)
        for attempt in range(ATTEMPTS):
            start = await self.send(target, "POST", "blobs/uploads/", push=True, params=query)
            if start.status_code == 201:
                return
            if source and neighbour:
                await self.fetch(source, digest)
            location = _checked(start).headers["location"]
            again_s = await self._upload(target, location, digest, size, attempt)
            if again_s is None:
                return
            await asyncio.sleep(again_s)
        raise RegistryError(
            f"pushing blob {digest} to {target.host}/{target.path} failed {ATTEMPTS} times"
        )

    async def _upload(
        self, target: Repository, location: str, digest: str, size: int, attempt: int
    ) -> float | None:
        """Send a blob in one request; seconds until the next try, None when it is there."""
        url = (
            httpx.URL(location)
            if "://" in location
            else httpx.URL(self._base(target)).join(location)
        )
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        url = url.copy_merge_params({"digest": digest})
        try:
            response = await self._authorized(
                target,
                "PUT",
                url,
                push=True,
                headers=headers,
                content=lambda: self._read_blob(digest),
            )
        except httpx.TransportError:
            return backoff_s(attempt)
        if response.status_code == 404:
            # The upload is forgotten: begin another.
            return backoff_s(attempt)
        again_s = wait_s(response, attempt)
        if again_s is None:
            _checked(response)
        return again_s

    async def _read_blob(self, digest: str) -> AsyncIterator[bytes]:
        with self.store.blob_path(digest.removeprefix("sha256:")).open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk

    async def push_manifest(
        self, target: Repository, identifier: str, raw: bytes, media_type: str
    ) -> str:
        """Put a manifest; returns its digest."""
        headers = {"Content-Type": media_type}
        _checked(
            await self.send(
                target, "PUT", f"manifests/{identifier}", push=True, headers=headers, body=raw
            )
        )
        return "sha256:" + hashlib.sha256(raw).hexdigest()

    # Transport --------------------------------------------------------------------------

    def _base(self, repository: Repository) -> str:
        address = repository.via or repository.host
        plain = bool(repository.via) or is_loopback(address)
        return f"{'http' if plain else 'https'}://{address}"

    async def _endpoints(self, repository: Repository, *, push: bool) -> list[str]:
        if repository.host != DOCKER_HUB:
            return [self._base(repository)]
        hub = "https://registry-1.docker.io"
        return [hub] if push else [*(mirror.rstrip("/") for mirror in await self.mirrors()), hub]

    async def send(
        self,
        repository: Repository,
        method: str,
        path: str,
        *,
        push: bool = False,
        body: bytes | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask a registry (Docker Hub's mirrors first); transient answers are asked again."""
        content = (lambda: body) if body is not None else None
        for endpoint in (endpoints := await self._endpoints(repository, push=push)):
            url = httpx.URL(f"{endpoint}/v2/{repository.path}/{path}")
            try:
                response = await self._retried(
                    repository, method, url, push=push, content=content, **options
                )
            except httpx.TransportError as error:
                if endpoint == endpoints[-1]:
                    raise RegistryError(
                        f"failed to do request: {method} {url}: {_root_cause(error)}"
                    ) from error
                continue
            if response.status_code < 400 or endpoint == endpoints[-1]:
                break
            await response.aclose()
        return response

    async def _retried(
        self, repository: Repository, method: str, url: httpx.URL, **options: Any
    ) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            last, again_s = attempt == ATTEMPTS - 1, backoff_s(attempt)
            try:
                response = await self._authorized(repository, method, url, **options)
                if response.status_code < 400:
                    return response
                await response.aread()
                asked_s = wait_s(response, attempt)
                if asked_s is None or last:
                    return response
                again_s = asked_s
            except httpx.ConnectError:
                raise  # nobody listens there: waiting would only hide it
            except httpx.TransportError:
                if last:
                    raise
            await asyncio.sleep(again_s)
        raise AssertionError("the last attempt returns or raises")

    async def _authorized(  # noqa: PLR0913 - what httpx takes, and whose token
        self,
        repository: Repository,
        method: str,
        url: httpx.URL,
        *,
        push: bool,
        content: Callable[[], Any] | None = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
        **options: Any,
    ) -> httpx.Response:
        key = (repository.host, repository.path, "pull,push" if push else "pull")
        for fresh in (False, True):
            token = self._tokens.get(key)
            auth = {"Authorization": token} if token else {}
            body = content() if content else None
            request = self._http.build_request(
                method, url, headers={**(headers or {}), **auth}, content=body, **options
            )
            # httpx drops Authorization when a redirect leaves the host.
            response = await self._http.send(
                request, stream=stream, follow_redirects=method == "GET"
            )
            if response.status_code != 401 or fresh:
                return response
            await response.aclose()
            self._tokens[key] = await self._token(key, response.headers.get("www-authenticate", ""))
        raise AssertionError("the second round returns")

    async def _token(self, key: tuple[str, str, str], challenge: str) -> str:
        host, path, actions = key
        login = self.credentials(host)
        return await answer_challenge(
            self._http, challenge, login, host=host, path=path, actions=actions
        )


def _root_cause(error: BaseException) -> BaseException:
    """What the operating system said, below what the libraries made of it."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return error


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code >= 400:
        request = response.request
        url, status = request.url.copy_with(query=None), response.status_code
        text = f"{request.method} {url}: {status} {response.reason_phrase}"
        raise RegistryError(f"unexpected status from {text} {response.text[:300]}".rstrip())
    return response
