"""Credentials for one repository: from a challenge to an Authorization header."""

import base64
import json
from urllib.parse import urlencode

import anyio

from ci.adapters.patience import PatientClient
from ci.adapters.transport import AUTHORIZATION, Reply, Request
from ci.decisions.challenge import Challenge, check_realm, parse_challenge
from ci.decisions.credentials import Credentials
from ci.decisions.registry_answers import Answer, error_of
from ci.errors import (
    AuthRequired,
    ChallengeInvalid,
    NotFoundOrDenied,
    PermissionMissing,
    PipelineError,
    TokenRejected,
)
from ci.oci.reference import Repository

TOKEN_LIMIT_BYTES = 64 * 1024
# What a registry says of a token that is good for other things than this; RFC 6750, 3.1.
_SCOPE = 'error="insufficient_scope"'
# What a lack of credentials looks like.
_DENIALS = (AuthRequired, NotFoundOrDenied, PermissionMissing, TokenRejected)


class Authorizer:
    """Answers a registry's challenges with the credentials of this run and no others.

    Where they are not accepted, reads go on once without any, since GitHub refuses an expired token
    even for a public image; a run that may push does not.
    """

    def __init__(
        self,
        client: PatientClient,
        repository: Repository,
        credentials: Credentials | None,
        *,
        can_push: bool,
    ) -> None:
        self._client, self._repository, self._credentials = client, repository, credentials
        self._actions = "pull,push" if can_push else "pull"
        self._header = ""
        self._lock = anyio.Lock()
        self._rejected: TokenRejected | None = None
        self._failed: PipelineError | None = None

    @property
    def has_credentials(self) -> bool:
        """Whether this run has any that were not rejected."""
        return self._credentials is not None

    def apply(self, request: Request) -> Request:
        """Add what was granted so far."""
        return request.with_headers(**{AUTHORIZATION: self._header})

    async def answer(self, asked: Request, reply: Reply) -> bool:
        """Answer a 401; False when there is nothing more to offer.

        Args:
            asked: the request as it was sent.
        Raises:
            ChallengeInvalid, ChallengeUnsafe: what the registry asks for cannot be done.
            TokenRejected: the credentials are not accepted, nor is it without them.
        """
        header = reply.header("WWW-Authenticate")
        if not header:
            return False
        challenge = parse_challenge(header)
        async with self._lock:
            if asked.headers.get(AUTHORIZATION, "") != self._header:
                return True  # answered meanwhile, for a request beside this one
            if self._failed:
                raise self._failed
            if self._header and _SCOPE in header:
                return False  # all that we may was asked for, and granted or not
            if challenge.scheme == "basic":
                offered = self._basic()
                changed = offered != self._header
                self._header = offered
                return changed and bool(offered)
            self._header = f"Bearer {await self._granted(challenge)}"
        return True

    def as_nobody(self, asked: Request, error: PipelineError) -> bool:
        """Go on without the credentials that were rejected; False where that is no way."""
        if asked.headers.get(AUTHORIZATION, "") != self._header:
            return True
        if not isinstance(error, TokenRejected) or self._actions != "pull" or self._rejected:
            return False
        self._rejected, self._credentials, self._header = error, None, ""
        self._client.progress.note(f"     {error.code}: {error.cause}; reading on without it")
        return True

    def judged(self, error: PipelineError) -> PipelineError:
        """Name the rejected credentials as the cause of what is refused without them."""
        first = self._rejected
        if first is None or not isinstance(error, _DENIALS):
            return error
        cause = f"{first.cause}; without it too: {error.code}, {error.cause}"
        return TokenRejected(cause, remedy=first.remedy)

    async def _granted(self, challenge: Challenge) -> str:
        try:
            return await self._token(challenge)
        except TokenRejected as error:
            if not self.as_nobody(self.apply(Request("", "")), error):
                raise
        try:
            return await self._token(challenge)
        except PipelineError as error:
            self._failed = self.judged(error)
            raise self._failed from error

    def _basic(self) -> str:
        if not self._credentials:
            return ""
        pair = f"{self._credentials.user}:{self._credentials.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def _token(self, challenge: Challenge) -> str:
        transport = self._client.transport
        check_realm(challenge.realm, transport.registry, is_plain=transport.is_plain)
        query = urlencode(
            {
                "service": challenge.service,
                "scope": f"repository:{self._repository.path}:{self._actions}",
            }
        )
        mark = "&" if "?" in challenge.realm else "?"
        request = Request("GET", f"{challenge.realm}{mark}{query}", limit_bytes=TOKEN_LIMIT_BYTES)
        reply = await self._client.send(request.with_headers(**{AUTHORIZATION: self._basic()}))
        if reply.status != 200:
            raise error_of(
                Answer(
                    reply.status,
                    reply.text,
                    self._repository,
                    is_push=self._actions != "pull",
                    has_token=self.has_credentials,
                    judges_identity=True,
                )
            )
        return _token_in(reply)


def _token_in(reply: Reply) -> str:
    try:
        found = json.loads(reply.body)
        token = found.get("token") or found.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        size = "more than 64 KiB" if reply.is_cut else f"{len(reply.body)} bytes"
        raise ChallengeInvalid(
            f"the token service answered 200 with no token in {size}",
            remedy="check that the registry's address is right, then run the same again",
        )
    return token
