"""What a deploy, a rollback or a recovery can end with; the same form as ``errors``.

The exit class of what the transaction says is the transaction's own exit: 8 refused before anything
was changed, 10 the old release is proven to run, 11 nothing is proven to run.
"""

from ci.errors import InputError, PipelineError
from ci.server_errors import LockHeld, PreflightRefused, Restored, Unproven


class PlanInvalid(PipelineError):
    """A plan that the server would read as something else, or cannot read."""


class ToolMissing(PreflightRefused):
    """The server lacks a program that the transaction needs."""


class ProbeMissing(PreflightRefused):
    """Nothing on the server can ask for health over HTTP."""


class DockerDown(PreflightRefused):
    """Docker does not answer on the server."""


class DockerDenied(PreflightRefused):
    """The server's user may not use Docker."""


class ComposeMissing(PreflightRefused):
    """No docker compose of version 2 or newer."""


class DiskFull(PreflightRefused):
    """Not enough room for the image."""


class ComposeInvalid(PreflightRefused):
    """The compose file cannot be read, or is not the one that was meant."""


class ComposeDrifted(PreflightRefused):
    """A compose file on the server is not the one that a deploy put there."""


class EnvMissing(PreflightRefused):
    """A file of variables that the compose file names is not there."""


class EnvUnset(PreflightRefused):
    """A variable that the compose file uses has no value on the server."""


class ImageNotControlled(PreflightRefused):
    """The service's image is not the one that the deploy names."""


class CandidateUnsafe(PreflightRefused):
    """A second container of the service cannot run beside the first."""


class NoHealthSignal(PreflightRefused):
    """Nothing would tell whether the service is well."""


class ProjectForeign(PreflightRefused):
    """Somebody else started the service."""


class PortTaken(PreflightRefused):
    """A stranger has the service's port."""


class PortStuck(Restored):
    """Docker keeps the service's port for nobody, since a power cut."""


class ServerCannotPull(PreflightRefused):
    """The server does not get the image from the registry."""


class NoTmpfs(PreflightRefused):
    """No place in memory for the credentials of the pull."""


class WouldDowngrade(PreflightRefused):
    """An older release than the running one, and nobody asked for that."""


class NoRollbackTarget(PreflightRefused):
    """No release to go back to, or it is gone from server and registry."""


class Locked(LockHeld):
    """A run is at work on the server."""


class CrashLoop(Restored):
    """The container ended, or was started again."""


class OOMKilled(Restored):
    """The container ran out of memory."""


class Unhealthy(Restored):
    """Docker says that the container is not well."""


class HealthDisagree(Restored):
    """Docker and HTTP do not say the same of the container's health."""


class HealthTimeout(Restored):
    """Not healthy in time."""


class WrongVersion(Restored):
    """The service answers as another release."""


class CandidateFailed(Restored):
    """The candidate could not be started."""


class ComposeFailed(Restored):
    """Compose could not start the service."""


class DependencyFailed(Restored):
    """A service that this one needs is not healthy."""


class ProofFailed(Restored):
    """What runs is not the image that the registry holds under the digest."""


class ProofLost(Restored):
    """Somebody else replaced the container while it was looked at."""


class PortUnreached(Restored):
    """A port that the release is to publish does not answer on the server."""


class RollbackImpossible(Unproven):
    """The release before is gone from the server, and the registry does not give it."""


class RollbackUnhealthy(Unproven):
    """The release before could not be brought back."""


class Overdue(Unproven):
    """The run reached its deadline."""


class RunKilled(Restored):
    """The run was killed on the server; what it left was settled."""


class StateUnwritable(PipelineError):
    """The deploy's own files on the server cannot be written."""


class InputCut(PipelineError):
    """The credentials ended early on their way to the server."""


class SchemaNewer(PipelineError):
    """A newer version than this one deployed there last."""


class TranscriptInvalid(PipelineError):
    """The server's answer cannot be read."""


class ReleaseInvalid(InputError):
    """Neither a tag nor a digest, or both at odds."""
