"""How a run on the server failed, as an error with the server's own cause, state and remedy."""

from ci import errors, server_errors, transaction_errors
from ci.decisions.transcript import Transcript
from ci.errors import Now, PipelineError
from ci.oci.text import harmless
from ci.transaction_errors import TranscriptInvalid

_HOMES = (transaction_errors, server_errors, errors)
_SETTLE = "see where it stands: ./daggerw call status; then ./daggerw call recover"
# The journal's states from which on the old container was touched.
_SWITCHED = ("switching", "rolling-back", "proven")


def error_of_run(transcript: Transcript) -> PipelineError:
    """Name a failure as the server named it."""
    states = [line.text for line in transcript.lines if line.kind == "state"]
    exit_class = transcript.exit_class or 12
    code, _, cause = transcript.last("seen").partition(": ")
    now = transcript.last("now") or "not known"
    remedy = transcript.last("remedy") or _SETTLE
    return error_of(code or transcript.code, exit_class, cause, (now, remedy), states)


def error_of_look(trouble: tuple[str, str, str]) -> PipelineError:
    """Name what kept a server from showing itself."""
    code, cause, remedy = trouble
    return error_of(code, 8, cause, ("nothing was changed on the server", remedy), [])


def error_of_start(lines: list[str]) -> PipelineError | None:
    """Name why the server did not begin a run; None where it does not say."""
    refusal = Transcript("-")
    for line in lines:
        refusal.add(line)
    if not refusal.has_ended:
        return None
    code, _, cause = refusal.last("seen").partition(": ")
    remedy = refusal.last("remedy") or "deploy with the client that belongs to this script"
    told = ("nothing was changed on the server", remedy)
    return error_of(code or refusal.code, refusal.exit_class or 12, cause, told, [])


def error_of(
    code: str, exit_class: int, cause: str, told: tuple[str, str], states: list[str]
) -> PipelineError:
    """Make the error of a code that the server gave.

    Args:
        told: what is true now, and what to do.
        states: the journal's states that the run came to.
    """
    now, remedy = map(harmless, told)
    kind = _class_of(code)
    if kind is None:
        kind, cause = TranscriptInvalid, f"{code}: {cause}"
    error = kind(harmless(cause), remedy=remedy, state=Now(_rung(exit_class, states), now))
    error.exit_class = exit_class
    return error


def _class_of(code: str) -> type[PipelineError] | None:
    for home in _HOMES:
        found = getattr(home, code, None)
        if isinstance(found, type) and issubclass(found, PipelineError):
            return found
    return None


def _rung(exit_class: int, states: list[str]) -> str:
    """Place what is true on the ladder of states."""
    if exit_class == 11:
        return "S8"
    if exit_class == 10:
        return "S5" if any(state in _SWITCHED for state in states) else "S4"
    if any(state in _SWITCHED for state in states):
        return "S7"
    return "S4" if "pulling" in states else "S3"
