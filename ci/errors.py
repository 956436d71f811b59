"""Every way the pipeline stops: a stable code, what was seen, what is true now, what to do.

The code is the class's name, as the failure reference lists it. Exit classes: 2 bad input, 3 build,
4 the registry refuses, 5 the registry cannot answer, 6 verification,
12 internal; those of a server are in ``server_errors``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How far a run came; the text completes "now:"."""

    S0 = "nothing was contacted, nothing changed"
    LO = "only the engine was used, no registry was written to"
    RO = "the registry was only read, nothing changed"
    S1 = "no release tag moved"
    S2 = "the release tag is published, latest was not confirmed"
    S3 = "nothing was changed on the server"
    S4 = "the image may be on the server; the old container was never stopped"
    S5 = "the old release runs on the server, proven again"
    S6 = "the release tag was being put; the same call run again finds out and goes on"
    S7 = "not known; the run on the server goes on or ends by itself, its journal tells how far"
    S8 = "the service is not proven to run; somebody has to look at the server"


@dataclass(frozen=True, slots=True)
class Now:
    """What is true in somebody else's words; `name` is the rung that they are on."""

    name: str
    text: str

    def __str__(self) -> str:
        return self.text


_SHORT = 8


class PipelineError(Exception):
    """A stage cannot go on: what was seen, and what to do next."""

    exit_class = 12

    def __init__(self, cause: str, *, remedy: str, state: State | Now | None = None) -> None:
        super().__init__(cause)
        self.cause, self.remedy, self.state = cause, remedy, state

    @property
    def code(self) -> str:
        """The stable name of this failure."""
        return type(self).__name__

    def __str__(self) -> str:
        state = self.state or State.S0
        first, *more = self.cause.splitlines() or [""]
        # Of a long output the end is what is still on the screen.
        again = f"\n  what: {self.code}, {first.rstrip(':')}" if len(more) > _SHORT else ""
        now = f"\n  now: {state.name}, {state}\n  do: {self.remedy}"
        return f"{self.code}: {self.cause}{again}{now}"


@contextmanager
def reached(state: State) -> Iterator[None]:
    """Tell errors from inside how far the run had come."""
    try:
        yield
    except PipelineError as error:
        error.state = error.state or state
        raise


class InputError(PipelineError):
    """Bad input; nothing was contacted."""

    exit_class = 2


class BuildError(PipelineError):
    """The image could not be made."""

    exit_class = 3


class RefusedError(PipelineError):
    """The registry knows what was asked and says no."""

    exit_class = 4


class UnavailableError(PipelineError):
    """The registry did not answer usefully within the budget."""

    exit_class = 5


class VerificationError(PipelineError):
    """What the registry holds is not what it should hold."""

    exit_class = 6


class TagInvalid(InputError):
    """Not a tag, or not a release tag."""


class TagReserved(InputError):
    """A tag that the pipeline moves itself."""


class TagFromFuture(InputError):
    """A release tag later than the registry's clock."""


class ClockSkew(InputError):
    """This machine's clock is more than a day away from the registry's."""


class NameInvalid(InputError):
    """Not registry/repository, or a registry that is not allowed."""


class DigestInvalid(InputError):
    """Not sha256: and 64 lower-case hexadecimal digits."""


class PlatformInvalid(InputError):
    """Not os/architecture[/variant]."""


class SettingsInvalid(InputError):
    """ci.toml or a flag does not say what can be done; every fault is listed."""


class DirtyTree(InputError):
    """The build context is not what the commit holds."""


class TagElsewhere(InputError):
    """Git's tag of this name is of another commit than the source."""


class TokenMalformed(InputError):
    """The token cannot be read, has white space or control characters inside, or is empty."""


class TokenKind(InputError):
    """A kind of token that this registry never accepts."""


class ContextInvalid(BuildError):
    """The build context lacks something it needs."""


class ContextEscape(BuildError):
    """A symbolic link leads out of the build context."""


class ContextTooLarge(BuildError):
    """The build context has more files or bytes than ci.toml allows."""


class BuildFailed(BuildError):
    """The Dockerfile's build ended with an error."""


class EngineUnavailable(BuildError):
    """The engine that builds cannot be reached, or went away."""


class EngineFailed(PipelineError):
    """The engine refused something that is no build, for a reason of its own."""


class LayerTooLarge(BuildError):
    """A layer is larger than the registry takes."""


class CheckFailed(BuildError):
    """The image runs but does not become healthy, or does not run."""


class AuthRequired(RefusedError):
    """The registry wants credentials and none were given."""


class TokenRejected(RefusedError):
    """The registry does not accept this token at all."""


class NotFoundOrDenied(RefusedError):
    """Missing or private; the registry does not say which."""


class PermissionMissing(RefusedError):
    """The token is known and lacks a permission."""


class OwnerUnknown(RefusedError):
    """The repository's owner does not exist."""


class ChallengeUnsafe(RefusedError):
    """The registry asks to send credentials to a place that is not its own."""


class ChallengeInvalid(RefusedError):
    """The registry's request for credentials, or its token, cannot be read."""


class RedirectRefused(RefusedError):
    """A redirect that leads to another manifest or away from https."""


class RegistryThrottled(UnavailableError):
    """Too many requests; the wait it asks for is longer than the budget."""


class RegistryUnavailable(UnavailableError):
    """No connection, or server errors until the budget was spent."""


class RegistryTimeout(UnavailableError):
    """Connected, but no answer in time."""


class Truncated(UnavailableError):
    """The body ended early, every time."""


class NotARegistry(UnavailableError):
    """Something answers there that does not speak the registry's protocol."""


class PushFailed(UnavailableError):
    """The engine could not push, though the registry allows it."""


class RequestRefused(RefusedError):
    """The registry refused a request for a reason of its own."""


class TagConflict(VerificationError):
    """The tag holds another release, or another writer moved it."""


class DigestMismatch(VerificationError):
    """The bytes do not have the digest they should have."""


class ManifestTooLarge(VerificationError):
    """A document larger than any registry should serve."""


class ManifestInvalid(VerificationError):
    """A document that is not strict JSON of the expected shape."""


class ManifestUnsupported(VerificationError):
    """A manifest of a type that this tool does not know."""


class TagMissing(VerificationError):
    """The tag is not in the registry."""


class TagsDisagree(VerificationError):
    """Tags that should hold one digest hold several."""


class TreeIncomplete(VerificationError):
    """A manifest names something that the registry does not have."""


class PlatformMissing(VerificationError):
    """The index lacks a platform that was asked for."""


class PlatformLie(VerificationError):
    """The index says one platform, the image's config another."""


class AmbiguousPlatform(VerificationError):
    """The index names one platform twice."""


class LabelsDisagree(VerificationError):
    """The image's labels tell of another tag, revision or source."""
