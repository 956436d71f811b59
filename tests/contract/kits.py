"""The same means for the simulator and a real registry: filling, damaging, connecting."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx

from ci.adapters.clock import SystemClock
from ci.adapters.registry import open_registry
from ci.decisions.credentials import Credentials
from ci.oci.digest import Digest, digest_of
from ci.oci.manifest import Document
from ci.oci.reference import Repository
from ci.ports import Registry
from tests.contract.images import Parts
from tests.contract.simulator import RegistrySimulator, Store


@dataclass
class Quiet:
    """Progress that is kept instead of shown."""

    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.lines.append(name)
        yield


@dataclass
class SimulatorKit:
    """A store in memory."""

    store: Store = field(default_factory=Store)

    @asynccontextmanager
    async def open(self, *, may_push: bool = True) -> AsyncIterator[Registry]:
        yield RegistrySimulator(self.store, may_push=may_push)

    async def put(self, parts: Parts) -> None:
        self.store.put(parts)

    async def delete_manifest(self, digest: Digest) -> None:
        del self.store.manifests[digest]

    async def delete_blob(self, digest: Digest) -> None:
        del self.store.blobs[digest]


@dataclass
class RealKit:
    """A repository of its own in a registry with real token authentication."""

    repository: Repository
    owner: Credentials
    reader: Credentials

    @asynccontextmanager
    async def open(self, *, may_push: bool = True) -> AsyncIterator[Registry]:
        who = self.owner if may_push else self.reader
        async with open_registry(
            self.repository, who, clock=SystemClock(), progress=Quiet(), can_push=True
        ) as registry:
            yield registry

    async def put(self, parts: Parts) -> None:
        async with self._client() as client:
            for blob in parts.blobs:
                begun = await client.post("blobs/uploads/")
                url = urljoin(str(begun.url), begun.headers["Location"])
                query = parse_qs(urlsplit(url).query) | {"digest": [str(digest_of(blob))]}
                url = f"{url.partition('?')[0]}?{urlencode(query, doseq=True)}"
                (await client.put(url, content=blob)).raise_for_status()
            for child in (*parts.children, parts.top):
                await _put_manifest(client, child, str(child.digest))

    async def delete_manifest(self, digest: Digest) -> None:
        async with self._client() as client:
            (await client.delete(f"manifests/{digest}")).raise_for_status()

    async def delete_blob(self, digest: Digest) -> None:
        async with self._client() as client:
            (await client.delete(f"blobs/{digest}")).raise_for_status()

    async def put_again(self, document: Document, tag: str) -> None:
        """Put a manifest whose parts are still there."""
        async with self._client() as client:
            await _put_manifest(client, document, tag)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Ask for a token by hand: the adapter under test must not judge itself."""
        base = f"http://{self.repository.registry}/v2/"
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            challenge = (await client.get(base)).headers["WWW-Authenticate"]
            realm = challenge.partition('realm="')[2].partition('"')[0]
            service = challenge.partition('service="')[2].partition('"')[0]
            scope = f"repository:{self.repository.path}:pull,push,delete"
            given = await client.get(
                realm,
                params={"service": service, "scope": scope},
                auth=(self.owner.user, self.owner.password),
            )
            token = given.raise_for_status().json()["token"]
        async with httpx.AsyncClient(
            base_url=f"{base}{self.repository.path}/",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            verify=False,
            timeout=60,
        ) as client:
            yield client


async def _put_manifest(client: httpx.AsyncClient, document: Document, name: str) -> None:
    """Put a manifest as an engine does: a part that another push is just writing is
    unknown to the registry for a moment, and asked for again.
    """
    headers = {"Content-Type": document.media_type}
    for _ in range(5):
        put = await client.put(f"manifests/{name}", content=document.raw, headers=headers)
        if put.status_code != 400 or "BLOB_UNKNOWN" not in put.text:
            break
        await asyncio.sleep(0.2)
    put.raise_for_status()
