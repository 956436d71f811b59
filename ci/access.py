"""Access: who this run is at the registry, and where the registry is dialled."""

from dataclasses import dataclass, field

import dagger
from dagger import dag

from ci.decisions.credentials import Credentials, clean_token, user_of
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import RegistryUnavailable, TokenMalformed
from ci.oci.reference import Repository

_SECRET = "registry-token"  # noqa: S105 - the name of a secret, not one


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials and way to the registry; `plain_token` is "" where none is given."""

    repository: Repository
    user: str
    token: dagger.Secret | None
    via: dagger.Service | None
    endpoint: str
    plain_token: str = field(repr=False)

    @property
    def credentials(self) -> Credentials | None:
        """What the registry adapter logs in with."""
        return Credentials(self.user, self.plain_token) if self.plain_token else None


async def open_access(
    repository: Repository,
    user: str,
    token: dagger.Secret | None,
    via: dagger.Service | None,
) -> Access:
    """Read the token and start the way to the registry.

    Raises:
        TokenMalformed, TokenKind: a token that cannot work.
        RegistryUnavailable: nothing answers at `via`.
    """
    plain = ""
    if token:
        given = await _plain(token)
        plain = clean_token(given, repository)
        if plain != given:
            token = dag.set_secret(_SECRET, plain)
    endpoint = ""
    if via:
        endpoint = await _dial(via)
    return Access(repository, user_of(user, repository), token, via, endpoint, plain)


async def _plain(token: dagger.Secret) -> str:
    try:
        return await token.plaintext()
    except ENGINE_ERRORS as error:
        raise engine_error(error, _unreadable) from error


async def _dial(via: dagger.Service) -> str:
    try:
        await via.start()
        return await via.endpoint()
    except ENGINE_ERRORS as error:
        raise engine_error(error, _unreachable) from error


def _unreadable(text: str) -> TokenMalformed:
    return TokenMalformed(
        f"the token cannot be read: {text}", remedy="check what --token names: env:NAME, file:PATH"
    )


def _unreachable(text: str) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"nothing answers at --via: {text}", remedy="start the registry there, or correct --via"
    )
