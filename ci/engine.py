"""The engine: when it is gone, and how everything else that it says becomes an error of ours."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import dagger
from tenacity import RetryError

from ci.decisions.engine_text import last_lines
from ci.errors import EngineFailed, EngineUnavailable, PipelineError

# How the embedded engine marks that its Docker is gone; Dagger's client raises TransportError.
_LOST = "ENGINE_LOST"
_REMEDY = (
    "start Docker (or set DOCKER_HOST, or _EXPERIMENTAL_DAGGER_RUNNER_HOST for Dagger), then run"
    " the same again; it goes on where it was"
)
# RetryError is what the client ends with when it asked a dead engine again and again.
Gone = dagger.TransportError | dagger.ClientConnectionError | RetryError
ENGINE_ERRORS = (
    dagger.QueryError,
    dagger.TransportError,
    dagger.ClientConnectionError,
    RetryError,
)
P = ParamSpec("P")
T = TypeVar("T")


def engine_error(
    error: dagger.QueryError | Gone, other: Callable[[str], PipelineError], *, secret: str = ""
) -> PipelineError:
    """Name what an engine's error means.

    Args:
        other: makes the error of an engine that is there, from the end of what it said.
        secret: what must not be shown of that.
    Returns:
        EngineUnavailable where the engine is gone.
    """
    if isinstance(error, RetryError):
        return _unavailable(str(error.last_attempt.exception()))
    if not isinstance(error, dagger.QueryError):
        return _unavailable(str(error))
    if _LOST in marks_of(error):
        return _unavailable(str(error))
    streams = (getattr(error, name, "") for name in ("stdout", "stderr"))
    return other(last_lines("\n".join((str(error), *streams)), secret))


def marks_of(error: BaseException) -> set[str]:
    """The types by which the embedded engine marks what a client may want to tell apart."""
    found = error.errors if isinstance(error, dagger.QueryError) else []
    return {str(each.extensions.get("_type")) for each in found}


def on_engine(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Name what the engine raises where the stage itself has no better name for it."""

    @wraps(function)
    async def named(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except ENGINE_ERRORS as error:
            raise engine_error(error, _failed) from error

    return named


def _unavailable(text: str) -> EngineUnavailable:
    return EngineUnavailable(f"the engine is gone: {last_lines(text, lines=3)}", remedy=_REMEDY)


def _failed(text: str) -> EngineFailed:
    return EngineFailed(f"the engine refused:\n    {text}", remedy="run the same again")
