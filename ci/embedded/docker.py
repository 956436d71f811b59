"""The Docker Engine API, as far as it is asked and answered over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from typing import IO, Any, NamedTuple

import httpx

from ci.embedded.archive import spool
from ci.embedded.errors import EngineError, EngineLost

# The newest API version that this client was written for; an older daemon is asked in its own.
API_VERSION = (1, 43)
OLDEST_API_VERSION = (1, 40)
# To connect, and to be told the version: who is silent for longer is no engine.
CONNECT_S = 10.0
OK = frozenset({200, 201, 204, 304})
# Go's os.FileMode bits in X-Docker-Container-Path-Stat.
MODE_SYMLINK, MODE_DIRECTORY = 1 << 27, 1 << 31


class DockerError(EngineError):
    """The Docker engine refused; the text is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PathStat(NamedTuple):
    """What Docker says of a path in a container."""

    is_directory: bool
    link_target: str
    mode: int


class _Transport(httpx.AsyncHTTPTransport):
    """Says that it was Docker that could not be reached: others are asked by httpx as well."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.TimeoutException as error:
            raise EngineLost(f"no answer within {CONNECT_S:.0f} s") from error
        except httpx.TransportError as error:
            raise EngineLost(f"cannot reach the Docker engine: {error}") from error


class Docker:
    """A client of one Docker engine."""

    def __init__(self, address: str) -> None:
        scheme, _, rest = address.partition("://")
        self._socket = rest if scheme == "unix" else None
        self._host, _, port = rest.rpartition(":")
        if scheme not in ("unix", "tcp") or (scheme == "tcp" and not port.isdigit()):
            raise EngineError(
                f"DOCKER_HOST={address} is not served: use unix:///path or tcp://host:port"
            )
        self._port = int(port) if scheme == "tcp" else 0
        # Nothing is encrypted on this way; certificates, which take long to read, are of no use.
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        limits = httpx.Limits(max_connections=64)
        transport = _Transport(uds=self._socket, limits=limits, verify=trust)
        base = "http://docker" if self._socket else f"http://{rest}"
        self._http = httpx.AsyncClient(
            transport=transport, base_url=base, timeout=httpx.Timeout(None, connect=CONNECT_S)
        )
        self.address, self.version, self.info = address, "", dict[str, Any]()

    async def connect(self) -> None:
        """Agree on an API version and read what the daemon says of itself."""
        wanted = "wanted: Docker with API {}.{} or newer".format(*OLDEST_API_VERSION)
        try:
            answer = await self._http.get("/version", timeout=CONNECT_S)
            major, minor = (int(part) for part in answer.json()["ApiVersion"].split("."))
        except (EngineLost, httpx.HTTPError, OSError) as error:
            raise EngineLost(f"{wanted}; at {self.address}: {error}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise EngineLost(f"{wanted}; at {self.address}: no Docker engine answers") from error
        if (major, minor) < OLDEST_API_VERSION:
            raise EngineLost(f"{wanted}; at {self.address}: API {major}.{minor}")
        self.version = "v{}.{}".format(*min(API_VERSION, (major, minor)))
        self.info = await self.json("GET", "/info")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # Requests ---------------------------------------------------------------------------

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send; raises `DockerError` with the daemon's own words."""
        response = await self._http.request(method, f"/{self.version}{path}", **options)
        if response.status_code not in OK:
            raise DockerError(response.status_code, _message(response))
        return response

    async def json(self, method: str, path: str, **options: Any) -> Any:
        """Send and read JSON; None for an empty answer."""
        response = await self.request(method, path, **options)
        return response.json() if response.content else None

    async def events(self, path: str, **options: Any) -> AsyncIterator[dict[str, Any]]:
        """Post and yield the lines of a progress stream; an ``error`` among them is raised."""
        async with self._http.stream("POST", f"/{self.version}{path}", **options) as response:
            if response.status_code not in OK:
                await response.aread()
                raise DockerError(response.status_code, _message(response))
            async for line in response.aiter_lines():
                event = json.loads(line) if line.strip() else {}
                if error := event.get("error"):
                    raise DockerError(response.status_code, error)
                yield event

    # Images -----------------------------------------------------------------------------

    async def image(self, reference: str) -> dict[str, Any] | None:
        """The image as the engine knows it, or None."""
        try:
            found: dict[str, Any] = await self.json("GET", f"/images/{reference}/json")
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def pull(
        self, repository: str, digest: str, *, platform: str, auth: tuple[str, str] | None
    ) -> None:
        """Pull by digest; credentials go with this request alone."""
        query = {"fromImage": repository, "tag": digest, "platform": platform}
        async for _ in self.events("/images/create", params=query, headers=_auth_header(auth)):
            pass

    async def import_tar(self, tar: IO[bytes], *, repository: str, tag: str) -> str:
        """Make a one-layer image without configuration; returns its ID."""
        query = {"fromSrc": "-", "repo": repository, "tag": tag}
        last = {}
        async for event in self.events("/images/create", params=query, content=chunks(tar)):
            last = event
        return str(last["status"])

    async def remove_image(self, reference: str) -> None:
        """Remove a name or an image; one that is gone or in use is left."""
        try:
            await self.request("DELETE", f"/images/{reference}")
        except DockerError as error:
            if error.status not in (404, 409):
                raise

    # Containers -------------------------------------------------------------------------

    async def create(self, body: dict[str, Any], *, platform: str | None = None) -> str:
        """Create a container; returns its ID."""
        query = {"platform": platform} if platform else {}
        return str((await self.json("POST", "/containers/create", json=body, params=query))["Id"])

    async def remove(self, container: str) -> None:
        """Kill and remove with its anonymous volumes; one that is gone is fine."""
        try:
            await self.request(
                "DELETE", f"/containers/{container}", params={"force": "1", "v": "1"}
            )
        except DockerError as error:
            if error.status not in (404, 409):
                raise

    async def put_archive(self, container: str, tar: IO[bytes]) -> None:
        """Unpack a tar stream over the container's root."""
        with tar:  # also where the request never begins to read it
            await self.request(
                "PUT", f"/containers/{container}/archive", params={"path": "/"}, content=chunks(tar)
            )

    async def stat(self, container: str, path: str) -> PathStat | None:
        """What a path is, or None where there is none."""
        where = f"/{self.version}/containers/{container}/archive"
        response = await self._http.head(where, params={"path": path})
        if response.status_code != 200:
            return None
        stat = json.loads(base64.b64decode(response.headers["x-docker-container-path-stat"]))
        is_link = bool(stat["mode"] & MODE_SYMLINK)
        return PathStat(
            bool(stat["mode"] & MODE_DIRECTORY),
            stat["linkTarget"] if is_link else "",
            stat["mode"] & 0o7777,
        )

    async def get_archive(self, container: str, path: str) -> IO[bytes]:
        """A path of a container as a tar stream."""
        return await self.download(f"/containers/{container}/archive", params={"path": path})

    async def download(self, path: str, **options: Any) -> IO[bytes]:
        """A whole answer as a file to read from its start."""
        async with self._http.stream("GET", f"/{self.version}{path}", **options) as response:
            if response.status_code != 200:
                await response.aread()
                raise DockerError(response.status_code, _message(response))
            out = spool()
            try:
                async for chunk in response.aiter_bytes():
                    out.write(chunk)
            except BaseException:
                out.close()
                raise
        out.seek(0)
        return out

    async def commit(
        self, container: str, *, repository: str, tag: str, config: dict[str, Any]
    ) -> str:
        """Make an image of a stopped container; returns its ID."""
        query = {"container": container, "pause": "0", "repo": repository, "tag": tag}
        return str((await self.json("POST", "/commit", params=query, json=config))["Id"])

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of its own, for what is no HTTP request and answer."""
        if self._socket:
            return await asyncio.open_unix_connection(self._socket)
        return await asyncio.open_connection(self._host, self._port)


async def chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    """A file's content from its position, piece by piece; closes it."""
    with file:
        while chunk := file.read(1 << 20):
            yield chunk


def _auth_header(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    text = json.dumps({"username": auth[0], "password": auth[1]})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(text.encode()).decode()}


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError):
        return response.text.strip() or f"HTTP {response.status_code}"
