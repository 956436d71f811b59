"""A registry's request for a login: where that may be sent, and the header that answers it."""

from __future__ import annotations

import re

import httpx

from ci.embedded.reference import RegistryError

# Registries whose token service lives elsewhere by design.
_TOKEN_HOSTS = {
    "docker.io": "auth.docker.io",
    "registry-1.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
}
_FIELD = re.compile(r'(\w+)="([^"]*)"', re.ASCII)


async def answer_challenge(
    http: httpx.AsyncClient,
    challenge: str,
    credentials: tuple[str, str] | None,
    *,
    host: str,
    path: str,
    actions: str,
) -> str:
    """The Authorization header for one repository."""
    if not challenge.lower().startswith("bearer"):
        if credentials is None:
            raise RegistryError(f"{host} asks for a login and none was given")
        return httpx.BasicAuth(*credentials)._auth_header
    fields = dict(_FIELD.findall(challenge))
    realm = fields.get("realm", "")
    if not _may_send(realm, host, has_login=credentials is not None):
        raise RegistryError(f"{host} sends logins to {realm!r}: refused")
    query = {"service": fields.get("service", ""), "scope": f"repository:{path}:{actions}"}
    auth = credentials or httpx.USE_CLIENT_DEFAULT
    answer = await http.get(realm, params=query, auth=auth)
    if answer.status_code != 200:
        raise RegistryError(
            f"failed to authorize with {host}: {answer.status_code} {answer.text[:200]}"
        )
    return f"Bearer {_token_in(answer, host)}"


def is_loopback(host: str) -> bool:
    """Whether ``host[:port]`` is this machine by its very name."""
    name = host.partition(":")[0]
    return name == "localhost" or name.startswith("127.")


def _token_in(answer: httpx.Response, host: str) -> str:
    try:
        body = answer.json()
        token = body.get("token") or body.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RegistryError(f"failed to authorize with {host}: 200, but no token in the answer")
    return token


def _may_send(realm: str, host: str, *, has_login: bool) -> bool:
    """Whether to ask there: on this machine as the registry itself, or over TLS.

    A login goes to the registry's own host alone; asking without one gives nothing away.
    """
    try:
        url, own = httpx.URL(realm), host.partition(":")[0]
    except httpx.InvalidURL:
        return False
    if url.scheme == "http":
        return is_loopback(host) and is_loopback(url.host)
    return url.scheme == "https" and (not has_login or url.host in (own, _TOKEN_HOSTS.get(host)))
