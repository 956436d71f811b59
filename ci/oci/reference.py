"""Registry, repository, tag and reference, as the OCI distribution spec writes them."""

import re
import string
from dataclasses import dataclass

from ci.errors import NameInvalid, TagInvalid
from ci.oci.digest import Digest
from ci.oci.text import first_stranger, shown

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII)
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG_CHARACTERS = string.ascii_letters + string.digits + "_.-"
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3})(?::[0-9]{1,5})?", re.ASCII)
NAME_LIMIT = 255


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A path inside a registry; `str` gives ``registry/path``."""

    registry: str
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine, where plain HTTP is safe."""
        return is_loopback(self.registry)


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """A valid tag of any kind."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Reference:
    """``registry/repository:tag@digest``; either of the last two may be absent."""

    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this machine by its very name."""
    return bool(_LOOPBACK.fullmatch(host))


def parse_repository(text: str) -> Repository:
    """Read ``registry/repository`` without tag or digest, in lower case.

    Raises:
        NameInvalid: another shape; never repaired, as a registry redirects odd paths to others.
    """
    host, slash, path = text.partition("/")
    if "@" in host or "://" in text:
        # What stands before the "@" may be a password.
        _refuse(f"***@{text.rpartition('@')[2]}", "is a URL or names a user, not only a repository")
    if len(text) > NAME_LIMIT:
        _refuse(text, f"is longer than {NAME_LIMIT} characters")
    if not slash or not path:
        _refuse(text, "is not registry/repository")
    if not _HOST.fullmatch(host) or not (host == "localhost" or "." in host or ":" in host):
        _refuse(text, f"does not begin with a registry's host, {shown(host)}")
    for part in path.split("/"):
        if not _PART.fullmatch(part):
            _refuse(text, f"has the bad component {shown(part)}")
    return Repository(host, path)


def _refuse(text: str, why: str) -> None:
    raise NameInvalid(
        f"{shown(text)} {why}",
        remedy="give lower-case registry/repository without a tag, such as"
        " --image ghcr.io/acme/observer",
    )


def parse_tag(text: str) -> Tag:
    """Read a tag as a registry would.

    Raises:
        TagInvalid: empty, too long, a bad first character, or another character than
            letters, digits, ``_``, ``.`` and ``-``.
    Source:
        OCI distribution-spec, "Pulling manifests".
    """
    if _TAG.fullmatch(text):
        return Tag(text)
    if not text:
        why = "is empty"
    elif stranger := first_stranger(text, _TAG_CHARACTERS):
        why = f"holds {stranger}"
    elif text[0] in ".-":
        why = f"begins with {shown(text[0])}"
    else:
        why = f"has {len(text)} characters, more than 128"
    raise TagInvalid(f"the tag {shown(text)} {why}", remedy="mint one: ./daggerw call tag")
