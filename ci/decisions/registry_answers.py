"""What a registry's refusal means, and the one thing to do about it.

GitHub's registry tells its causes apart only in the message, so its phrases are matched here, in
one table, in the order in which they are tried. Sources and dates: FAILURES.md, section 3.
"""

from dataclasses import dataclass

from ci.decisions.retry import Retry, classify, lacks_part
from ci.errors import (
    AuthRequired,
    NotFoundOrDenied,
    OwnerUnknown,
    PermissionMissing,
    PipelineError,
    RegistryThrottled,
    RegistryUnavailable,
    RequestRefused,
    TokenRejected,
)
from ci.oci.reference import Repository
from ci.oci.text import shown

GITHUB = "ghcr.io"
SHOWN_BODY = 200
_WRITE = (
    "in order: (1) give the workflow's job `permissions: packages: write`; (2) on GitHub, package"
    " settings, Manage Actions access, add this repository with role Write; (3) outside Actions use"
    " a classic token with the scope: gh auth refresh -s write:packages, then"
    " --token cmd:'gh auth token'"
)
_READ = "use a classic token that may read: gh auth refresh -s read:packages"
_ORGANISATION = (
    "in order: (1) give the workflow's job `permissions: packages: write`; (2) publish once with an"
    " owner's classic token, --token env:GHCR_TOKEN; (3) let the organisation's settings, Packages,"
    " allow members to create packages"
)
_OWNER = "correct the owner in --image or ci.toml"
_LOG_IN_ANEW = (
    "make a new classic token with write:packages and pass it: --token env:GHCR_TOKEN"
    " (in Actions: --token env:GITHUB_TOKEN)"
)
_ELSEWHERE = "pass credentials that may do this: --user NAME --token file:PATH"
_EITHER = (
    "check the name in --image; if it is right and private, pass a token that may read it:"
    " --token env:GITHUB_TOKEN"
)
_CREDENTIALS = "pass credentials: --token env:GITHUB_TOKEN"


@dataclass(frozen=True, slots=True)
class Answer:
    """A registry's or token service's refusal.

    `judges_identity` says that the credentials themselves were judged, not a token made from them.
    """

    status: int
    body: str
    repository: Repository
    is_push: bool = False
    has_token: bool = False
    judges_identity: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """A phrase of the body, and what it stands for."""

    phrase: str
    error: type[PipelineError]
    cause: str
    remedy: str


PHRASES = (
    Meaning("owner not found", OwnerUnknown, "the owner does not exist", _OWNER),
    Meaning(
        "installation not allowed to",
        PermissionMissing,
        "the organisation does not let this token create or write packages",
        _ORGANISATION,
    ),
    Meaning("write_package", PermissionMissing, "the token may not write this package", _WRITE),
    Meaning("read_package", PermissionMissing, "the token lacks read:packages", _READ),
    Meaning("user cannot be authenticated", TokenRejected, "the token is not valid", _LOG_IN_ANEW),
    Meaning("invalid token", TokenRejected, "the token is not valid", _LOG_IN_ANEW),
    Meaning(
        "requested access to the resource is denied",
        NotFoundOrDenied,
        "the repository is missing, or private to others; the registry does not say which",
        _EITHER,
    ),
)


def error_of(answer: Answer) -> PipelineError:
    """Name a refusal."""
    where = f"{answer.repository}: {answer.status} {shown(answer.body.strip(), SHOWN_BODY)}"
    kind = classify(answer.status, answer.body)
    if kind is Retry.THROTTLED:
        return RegistryThrottled(
            f"too many requests at {where}", remedy="wait some minutes, then run the same again"
        )
    if kind is Retry.TRANSIENT or answer.status >= 500:
        return RegistryUnavailable(
            f"the registry fails at {where}", remedy="run the same again; it goes on where it was"
        )
    if answer.is_push and lacks_part(answer.status, answer.body):
        return RequestRefused(
            f"the registry does not have what this needs: {where}",
            remedy="run the same again; it pushes what is missing",
        )
    if answer.status not in (401, 403, 404):
        return RequestRefused(
            f"refused at {where}", remedy="check --image against what the registry accepts"
        )
    lowered = answer.body.lower()
    for meaning in PHRASES:
        if meaning.phrase in lowered:
            return meaning.error(f"{meaning.cause}; {where}", remedy=meaning.remedy)
    return _by_status(answer, where)


def _by_status(answer: Answer, where: str) -> PipelineError:
    on_github = answer.repository.registry == GITHUB
    if not answer.has_token and answer.status == 401:
        return AuthRequired(
            f"credentials are needed for {where}",
            remedy=_CREDENTIALS if on_github else _ELSEWHERE,
        )
    if answer.has_token and answer.judges_identity and answer.status != 404:
        # GitHub answers 403 "denied" to an expired token, even for a public image.
        return TokenRejected(
            f"user and token are not accepted for {where}",
            remedy=_LOG_IN_ANEW if on_github else _ELSEWHERE,
        )
    if answer.is_push and answer.status != 404:
        return PermissionMissing(
            f"the token may not write; {where}", remedy=_WRITE if on_github else _ELSEWHERE
        )
    return NotFoundOrDenied(
        f"missing, or not for this token; the registry does not say which; {where}", remedy=_EITHER
    )
