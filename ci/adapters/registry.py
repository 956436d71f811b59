"""A repository in a registry, over the OCI distribution protocol."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import anyio

from ci.adapters.auth import Authorizer
from ci.adapters.patience import PatientClient
from ci.adapters.transport import Reply, Request, Transport
from ci.decisions.credentials import Credentials
from ci.decisions.registry_answers import SHOWN_BODY, Answer, error_of
from ci.errors import (
    DigestMismatch,
    ManifestTooLarge,
    NotARegistry,
    PipelineError,
    UnavailableError,
)
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest, digest_of
from ci.oci.manifest import ACCEPT, Document
from ci.oci.reference import Repository, Tag
from ci.oci.strict_json import MANIFEST_LIMIT_BYTES, REMEDY, parse_json
from ci.oci.text import shown
from ci.ports import Clock, Progress

TAG_PAGES = 100
REFRESHES = 2
_SAME = "check --image; something else than a registry answers there"


@asynccontextmanager
async def open_registry(
    repository: Repository,
    credentials: Credentials | None,
    *,
    clock: Clock,
    progress: Progress,
    endpoint: str = "",
    can_push: bool = False,
) -> AsyncIterator["HttpRegistry"]:
    """Connect to a repository for the length of a stage.

    Args:
        endpoint: ``host:port`` where the registry is really dialled, plain HTTP; "" for its own.
        can_push: whether the right to push is asked for along with the right to pull.
    """
    async with Transport(repository.registry, endpoint) as transport:
        client = PatientClient(transport, clock=clock, progress=progress)
        authorizer = Authorizer(client, repository, credentials, can_push=can_push)
        yield HttpRegistry(client, authorizer, repository, clock=clock)


class HttpRegistry:
    """The port Registry on a real registry."""

    def __init__(
        self, client: PatientClient, authorizer: Authorizer, repository: Repository, *, clock: Clock
    ) -> None:
        self._client, self._authorizer, self._clock = client, authorizer, clock
        self._repository = repository
        self._unknown, self._is_known = anyio.Lock(), False
        self._root = f"{client.transport.base}/v2/{repository.path}"

    async def now(self) -> datetime:
        """Read the registry's Date header; this machine's clock where it sends none."""
        reply = await self._client.send(Request("GET", f"{self._client.transport.base}/v2/"))
        if reply.status not in (200, 401):
            raise self._error(reply)
        if _is_html(reply):
            raise self._no_registry(reply)
        try:
            return parsedate_to_datetime(reply.header("Date"))
        except ValueError:
            return self._clock.now()

    async def probe_push(self) -> None:
        """Begin an upload and cancel it."""
        reply = await self._ask(Request("POST", f"{self._root}/blobs/uploads/"))
        if reply.status != 202:
            raise self._error(reply, is_push=True)
        upload = urljoin(f"{self._root}/blobs/uploads/", reply.header("Location"))
        if urlsplit(upload).netloc == self._repository.registry:
            # GitHub answers 405; an upload that nobody finishes is dropped by every registry.
            with suppress(UnavailableError):
                await self._ask(Request("DELETE", upload))

    async def manifest(self, identifier: Tag | Digest) -> Document | None:
        """Read a manifest, once more where the digest does not fit."""
        try:
            return await self._manifest(identifier)
        except DigestMismatch:
            # A cache on the way may have mixed up one answer; two are no accident.
            return await self._manifest(identifier)

    async def push_manifest(self, tag: Tag, document: Document) -> None:
        """Put the bytes; a lost answer is healed by putting them again."""
        if len(document.raw) > MANIFEST_LIMIT_BYTES:
            raise ManifestTooLarge(f"{len(document.raw)} bytes", remedy=REMEDY)
        request = Request("PUT", f"{self._root}/manifests/{tag}", content=document.raw)
        reply = await self._ask(request.with_headers(**{"Content-Type": document.media_type}))
        if reply.status != 201:
            raise self._error(reply, is_push=True)
        self._check_header(reply, document.digest)

    async def blob_size(self, digest: Digest) -> int | None:
        """Ask with HEAD."""
        url = f"{self._root}/blobs/{digest}"
        reply = await self._ask(Request("HEAD", url))
        if reply.status == 404:
            return None
        if reply.status != 200:
            # HEAD has no body: ask again with GET to learn the registry's error code.
            told = await self._ask(Request("GET", url).with_headers(Range="bytes=0-0"))
            raise self._error(told if told.status >= 400 else reply)
        length = reply.header("Content-Length")
        return int(length) if length.isdecimal() and length.isascii() else -1

    async def blob(self, descriptor: Descriptor) -> bytes | None:
        """Read a blob of manifest size at most, once more where the digest does not fit."""
        try:
            return await self._blob(descriptor.digest)
        except DigestMismatch:
            return await self._blob(descriptor.digest)

    async def tags(self) -> tuple[str, ...]:
        """List all pages."""
        query, found = "n=1000", list[str]()
        for _ in range(TAG_PAGES):
            url = f"{self._root}/tags/list?{query}"
            reply = await self._ask(Request("GET", url))
            if reply.status == 404:
                return tuple(found)
            if reply.status != 200:
                raise self._error(reply)
            self._check_size(reply)
            if _is_html(reply):
                raise self._no_registry(reply)
            found += self._tags_in(reply)
            # Of the next page's address only the query is taken: the place is this repository.
            query = urlsplit(reply.header("Link").partition("<")[2].partition(">")[0]).query
            if not query:
                return tuple(found)
        # A cut list would hide newer releases.
        raise NotARegistry(f"more than {TAG_PAGES} pages of tags", remedy=_SAME)

    async def _manifest(self, identifier: Tag | Digest) -> Document | None:
        request = Request("GET", f"{self._root}/manifests/{identifier}")
        reply = await self._ask(request.with_headers(Accept=ACCEPT))
        media_type = reply.header("Content-Type").partition(";")[0].strip()
        if media_type == "text/html":
            raise self._no_registry(reply)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._error(reply)
        self._check_size(reply)
        # The signed manifests of schema 1 are a registry's, though they are no JSON by name.
        if "json" not in media_type and not media_type.startswith("application/vnd."):
            raise self._no_registry(reply)
        document = Document(reply.body, media_type)
        if isinstance(identifier, Digest):
            _check_bytes(reply, identifier)
        self._check_header(reply, document.digest)
        return document

    async def _blob(self, digest: Digest) -> bytes | None:
        reply = await self._ask(Request("GET", f"{self._root}/blobs/{digest}"))
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._error(reply)
        self._check_size(reply)
        _check_bytes(reply, digest)
        return reply.body

    async def _ask(self, request: Request) -> Reply:
        asked, reply = await self._ask_known(request)
        if reply.status in (401, 403) and self._authorizer.as_nobody(asked, self._error(reply)):
            _, reply = await self._ask_known(request)
        return reply

    async def _ask_known(self, request: Request) -> tuple[Request, Reply]:
        """Ask, answering challenges; returns the request as it was sent last."""
        for refreshes in range(REFRESHES + 1):
            async with self._one_first():
                asked = self._authorizer.apply(request)
                reply = await self._client.send(asked)
                if reply.status != 401 or refreshes == REFRESHES:
                    break
                if not await self._authorizer.answer(asked, reply):
                    break
        return asked, reply

    @asynccontextmanager
    async def _one_first(self) -> AsyncIterator[None]:
        """Let one request come to the registry alone: its challenge is answered for all."""
        if not self._is_known:
            async with self._unknown:
                if not self._is_known:
                    yield
                    self._is_known = True
                    return
        yield

    def _tags_in(self, reply: Reply) -> list[str]:
        tags = parse_json(reply.body).get("tags") or []
        if not isinstance(tags, list):
            raise self._no_registry(reply)
        return [tag for tag in tags if isinstance(tag, str)]

    def _check_header(self, reply: Reply, digest: Digest) -> None:
        said = reply.header("Docker-Content-Digest")
        if said and said != str(digest):
            raise DigestMismatch(f"bytes of {digest} are called {shown(said)}", remedy=REMEDY)

    def _check_size(self, reply: Reply) -> None:
        if reply.is_cut:
            raise ManifestTooLarge(f"more than {MANIFEST_LIMIT_BYTES} bytes", remedy=REMEDY)

    def _no_registry(self, reply: Reply) -> NotARegistry:
        kind = shown(reply.header("Content-Type") or "no type")
        return NotARegistry(
            f"{self._repository.registry} answered {reply.status} with {kind}:"
            f" {shown(reply.text, SHOWN_BODY)}",
            remedy=_SAME,
        )

    def _error(self, reply: Reply, *, is_push: bool = False) -> PipelineError:
        # Gateways may refuse and fail in HTML; a page that says 200 or 404 is somebody else's.
        if _is_html(reply) and (reply.status < 400 or reply.status == 404):
            return self._no_registry(reply)
        found = error_of(
            Answer(
                reply.status,
                reply.text,
                self._repository,
                is_push=is_push,
                has_token=self._authorizer.has_credentials,
                judges_identity=_judges_identity(reply.header("WWW-Authenticate")),
            )
        )
        return self._authorizer.judged(found)


def _check_bytes(reply: Reply, wanted: Digest) -> None:
    if (found := digest_of(reply.body)) != wanted:
        raise DigestMismatch(f"asked for {wanted}, got bytes of {found}", remedy=REMEDY)


def _is_html(reply: Reply) -> bool:
    return "html" in reply.header("Content-Type")


def _judges_identity(challenge: str) -> bool:
    """Whether who we are was judged, not what we may do."""
    return challenge.lower().startswith("basic") or 'error="invalid_token"' in challenge
