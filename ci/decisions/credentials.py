"""Judging what a caller gives as a token, before anything is contacted."""

from dataclasses import dataclass, field

from ci.decisions.registry_answers import GITHUB
from ci.errors import AuthRequired, TokenKind, TokenMalformed
from ci.oci.reference import Repository

_FINE_GRAINED = "github_pat_"


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password at a registry; the password is never shown."""

    user: str
    password: str = field(repr=False)


def clean_token(text: str, repository: Repository) -> str:
    """Strip a token's surrounding white space, as files and shells add it.

    Raises:
        TokenMalformed: empty, or white space or control characters inside.
        TokenKind: a fine-grained token for GitHub's registry, which takes classic ones only.
    """
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenMalformed(
            f"the token of {len(text)} characters is empty or holds white space or other"
            " characters that no token has",
            remedy="pass the token alone: --token env:GITHUB_TOKEN",
        )
    if repository.registry == GITHUB and token.startswith(_FINE_GRAINED):
        raise TokenKind(
            "GitHub's registry does not take fine-grained tokens (github_pat_...)",
            remedy="make a classic token with write:packages, or in Actions pass"
            " --token env:GITHUB_TOKEN",
        )
    return token


def user_of(user: str, repository: Repository) -> str:
    """Choose the user name; GitHub looks at the token alone, but wants a name there."""
    return user or repository.path.partition("/")[0]


def check_token_given(repository: Repository, *, has_token: bool) -> None:
    """Refuse to publish to a registry elsewhere without credentials.

    Raises:
        AuthRequired: naming the two ways on.
    """
    if has_token or repository.is_loopback:
        return
    name = repository.path
    raise AuthRequired(
        f"no token is given for {repository.registry}",
        remedy="pass one: --token env:GITHUB_TOKEN; or rehearse on this machine:"
        f" --image localhost:5000/{name} --via tcp://localhost:5000",
    )
