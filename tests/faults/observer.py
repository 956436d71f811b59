"""What a registry holds, asked over plain HTTP by code that shares nothing with the product."""

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache

_TYPES = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)


@dataclass(frozen=True)
class Observer:
    """Reads one repository at ``host:port``, past any proxy; no user for an open registry."""

    address: str
    path: str
    user: str = ""
    password: str = ""

    def digest(self, tag: str) -> str | None:
        """The hash of the bytes that a tag leads to; None when there is none."""
        status, body = self.get(f"manifests/{tag}")
        assert status in (200, 404), body
        return name_of(body) if status == 200 else None

    def tags(self) -> dict[str, str | None]:
        """Every tag with its digest."""
        status, body = self.get("tags/list")
        assert status in (200, 404), body
        names = json.loads(body)["tags"] or [] if status == 200 else []
        return {name: self.digest(name) for name in names}

    def holds_tree(self, identifier: str) -> bool:
        """Whether everything that a manifest or index leads to is there with the right bytes."""
        status, body = self.get(f"manifests/{identifier}")
        if status != 200:
            return False
        document = json.loads(body)
        if children := document.get("manifests"):
            return all(self.holds_tree(child["digest"]) for child in children)
        return all(self._holds(part) for part in [document["config"], *document["layers"]])

    def get(self, rest: str) -> tuple[int, bytes]:
        """Status and body of a GET below the repository."""
        url = f"http://{self.address}/v2/{self.path}/{rest}"
        status, body = self._ask(url)
        if status == 401 and self.user:
            _token.cache_clear()  # it lives for some minutes
            status, body = self._ask(url)
        return status, body

    def _ask(self, url: str) -> tuple[int, bytes]:
        request = urllib.request.Request(url, headers={"Accept": _TYPES, **self._authorization()})
        status, _, body = _fetch(request)
        return status, body

    def _holds(self, part: dict[str, str]) -> bool:
        status, body = self.get(f"blobs/{part['digest']}")
        return status == 200 and name_of(body) == part["digest"] and len(body) == part["size"]

    def _authorization(self) -> dict[str, str]:
        """A token, where there is a token service."""
        return {"Authorization": f"Bearer {_token(self)}"} if self.user else {}

    def token(self, actions: str) -> str:
        """Ask the registry's token service for rights in this repository."""
        status, headers, _ = _fetch(urllib.request.Request(f"http://{self.address}/v2/"))
        assert status == 401
        challenge = headers["WWW-Authenticate"]
        realm, service = (
            challenge.partition(f'{name}="')[2].partition('"')[0] for name in ("realm", "service")
        )
        query = {"service": service, "scope": f"repository:{self.path}:{actions}"}
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"{realm}?{urllib.parse.urlencode(query)}", headers={"Authorization": f"Basic {pair}"}
        )
        status, _, body = _fetch(request)
        assert status == 200, body
        return str(json.loads(body)["token"])


@lru_cache
def _token(observer: Observer) -> str:
    """Asked for once, and again when it is no longer taken."""
    return observer.token("pull")


def name_of(raw: bytes) -> str:
    """The digest of bytes."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _fetch(request: urllib.request.Request) -> tuple[int, Message, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status), response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
