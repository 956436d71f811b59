"""Reading a registry's request for credentials, and judging where they may go."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ci.errors import ChallengeInvalid, ChallengeUnsafe
from ci.oci.reference import is_loopback
from ci.oci.text import shown

_SCHEME = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)", re.ASCII)
_PARAMETER = re.compile(r'\s*([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))\s*(?:,|$)', re.ASCII)
# Registries whose token service lives elsewhere by design.
_TOKEN_HOSTS = {"registry-1.docker.io": "auth.docker.io", "registry.gitlab.com": "gitlab.com"}
_REPORT = "do not send credentials there; report this to the registry's operator"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate header."""

    scheme: str
    realm: str = ""
    service: str = ""
    error: str = ""


def parse_challenge(header: str) -> Challenge:
    """Read a Basic or Bearer challenge.

    Raises:
        ChallengeInvalid: another scheme, or parameters that cannot be read.
    """
    found = _SCHEME.match(header)
    scheme = found[1].lower() if found else ""
    if not found or scheme not in ("basic", "bearer"):
        _invalid(header)
    parameters, at = {}, found.end() if found else 0
    while at < len(header):
        part = _PARAMETER.match(header, at)
        if not part:
            _invalid(header)
            break
        parameters[part[1].lower()] = part[2] if part[2] is not None else part[3]
        at = part.end()
    return Challenge(
        scheme,
        *(parameters.get(name, "") for name in ("realm", "service", "error")),
    )


def check_realm(realm: str, registry: str, *, is_plain: bool) -> None:
    """Let credentials go to the registry's own token service only.

    Args:
        realm: where the registry wants the credentials.
        registry: its ``host[:port]``.
        is_plain: whether the registry itself is spoken to over plain HTTP on this machine.
    Raises:
        ChallengeUnsafe: another scheme or host, or credentials in the URL.
    """
    try:
        parts = urlsplit(realm)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    own = registry.partition(":")[0]
    is_ours = parts.scheme == "https" and host in (own, _TOKEN_HOSTS.get(registry, own))
    is_here = parts.netloc == registry or is_loopback(parts.netloc)
    is_local = parts.scheme == "http" and is_plain and is_here
    if not host or "@" in parts.netloc or not (is_ours or is_local):
        raise ChallengeUnsafe(
            f"{registry} wants the credentials sent to {shown(realm)}", remedy=_REPORT
        )


def _invalid(header: str) -> None:
    raise ChallengeInvalid(
        f"the registry's WWW-Authenticate is {shown(header)}",
        remedy="check that the registry's address is right",
    )
