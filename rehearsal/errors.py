"""How the set-up stops: code and what was seen, what is true now, what to do."""


class RehearsalError(Exception):
    """The set-up cannot go on; one subclass a cause, its name is the code."""

    def __init__(self, cause: str, *, state: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause, self.state, self.remedy = cause, state, remedy

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.cause}\n  now: {self.state}\n  do: {self.remedy}"


class ServiceNotStarted(RehearsalError):
    """A process or container of ours ended, or did not answer in time."""


class NoFreeNetwork(RehearsalError):
    """Every address range set aside for the rehearsal's bridge is in use."""


class BaseImageMissing(RehearsalError):
    """The base image was not made, or the mirror does not take it."""


class CommandFailed(RehearsalError):
    """A tool of the system refused."""
