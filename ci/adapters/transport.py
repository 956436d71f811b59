"""One HTTP exchange with a registry: bounded in size and time, nothing tried twice."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import anyio
import httpx

from ci.oci.reference import is_loopback

AUTHORIZATION = "Authorization"
# Exchanges with one registry at a time. To wait for a turn is not to wait for an answer.
AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one exchange may take: to connect, between two signs of life, in all."""

    connect_s: float = 10.0
    no_progress_s: float = 30.0
    total_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; headers may hold credentials and are never shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    limit_bytes: int = 4 * 1024 * 1024

    def with_headers(self, **headers: str) -> "Request":
        """Add headers; an empty one is left out."""
        added = {name: text for name, text in headers.items() if text}
        return replace(self, headers={**self.headers, **added})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `is_cut` says that the body was longer than the limit."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    is_cut: bool = False

    def header(self, name: str) -> str:
        """One header, "" when absent."""
        return str(self.headers.get(name, ""))

    @property
    def text(self) -> str:
        """The body for people, whatever bytes it holds."""
        return self.body.decode("utf-8", "replace")


class ExchangeFailed(Exception):
    """No whole answer; `kind` is connect, timeout, truncated or broken."""

    def __init__(self, kind: str, url: str, cause: str) -> None:
        super().__init__(cause)
        # A query may be signed: it is a credential.
        self.kind, self.cause = (
            kind,
            f"{cause or kind} at {urlunsplit((*urlsplit(url)[:3], '', ''))}",
        )


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed; reading them takes longer than most requests."""
    return httpx.create_ssl_context()


class Transport:
    """Speaks HTTP to one registry, dialling it where it really is.

    Args:
        registry: the logical ``host[:port]`` that references name.
        endpoint: ``host:port`` to dial instead, over plain HTTP; "" to dial the registry itself.
        deadlines: how long one exchange may take.
    """

    def __init__(
        self, registry: str, endpoint: str = "", deadlines: Deadlines | None = None
    ) -> None:
        self.registry, self._endpoint = registry, endpoint
        self._deadlines = deadlines or Deadlines()
        self.is_plain = bool(endpoint) or is_loopback(registry)
        self.base = f"{'http' if self.is_plain else 'https'}://{registry}"
        timeout = httpx.Timeout(self._deadlines.no_progress_s, connect=self._deadlines.connect_s)
        # A proxy from the environment must not see what is on this machine.
        self._client = httpx.AsyncClient(
            timeout=timeout, trust_env=not self.is_plain, verify=_trusted()
        )
        self._turns = anyio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def exchange(self, request: Request) -> Reply:
        """Send and receive once.

        Raises:
            ExchangeFailed: no connection, no progress, or no whole answer.
        """
        begun = list[int]()
        try:
            async with self._turns:
                with anyio.fail_after(self._deadlines.total_s):
                    return await self._exchange(request, begun)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise ExchangeFailed("timeout", request.url, str(error)) from error
        except httpx.RemoteProtocolError as error:
            kind = "truncated" if begun else "broken"
            raise ExchangeFailed(kind, request.url, str(error)) from error
        except httpx.ConnectError as error:
            raise ExchangeFailed("connect", request.url, str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ExchangeFailed("broken", request.url, str(error)) from error

    async def _exchange(self, request: Request, begun: list[int]) -> Reply:
        """Do it; `begun` gets the status as soon as there is one."""
        url, host = self._dialled(request.url)
        headers = {"Accept-Encoding": "identity", **request.headers, **host}
        body = bytearray()
        async with self._client.stream(
            request.method, url, headers=headers, content=request.content or None
        ) as response:
            begun.append(response.status_code)
            if response.headers.get("Content-Encoding", "identity") != "identity":
                # Not asked for; unpacking it could take any amount of memory.
                raise httpx.DecodingError("an encoding that was not asked for")
            async for chunk in response.aiter_raw(65536):
                body += chunk
                if len(body) > request.limit_bytes:
                    return Reply(response.status_code, response.headers, b"", is_cut=True)
        return Reply(response.status_code, response.headers, bytes(body))

    def _dialled(self, url: str) -> tuple[str, dict[str, str]]:
        """Put the endpoint where the logical registry stands; the Host header stays logical."""
        parts = urlsplit(url)
        if not self._endpoint or parts.netloc != self.registry:
            return url, {}
        return urlunsplit(parts._replace(scheme="http", netloc=self._endpoint)), {
            "Host": self.registry
        }
