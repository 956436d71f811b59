"""Asking a registry over the OCI distribution protocol: where, with which token, and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from ci.embedded.challenge import answer_challenge, is_loopback
from ci.embedded.patience import ATTEMPTS, backoff_s, wait_s
from ci.embedded.reference import DOCKER_HUB, RegistryError, Repository
from ci.embedded.store import Store


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

    def base(self, repository: Repository) -> str:
        address = repository.via or repository.host
        plain = bool(repository.via) or is_loopback(address)
        return f"{'http' if plain else 'https'}://{address}"

    async def _endpoints(self, repository: Repository, *, push: bool) -> list[str]:
        if repository.host != DOCKER_HUB:
            return [self.base(repository)]
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
                response = await self.authorized(repository, method, url, **options)
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

    async def authorized(  # noqa: PLR0913 - what httpx takes, and whose token
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


def checked(response: httpx.Response) -> httpx.Response:
    if response.status_code >= 400:
        request = response.request
        url, status = request.url.copy_with(query=None), response.status_code
        text = f"{request.method} {url}: {status} {response.reason_phrase}"
        raise RegistryError(f"unexpected status from {text} {response.text[:300]}".rstrip())
    return response
