"""Every way a server stops the pipeline; the same form as ``errors``.

Exit classes: 7 the server is not reached or not identified, 8 refused before anything was changed,
9 another run is at work, 10 failed with the old release proven to run, 11 failed with nothing
proven; 2 and 12 as everywhere.
"""

from ci.errors import InputError, PipelineError


class ServerUnreached(PipelineError):
    """No way to the server, or it is not the one that was meant."""

    exit_class = 7


class PreflightRefused(PipelineError):
    """The server is not ready; nothing was changed there."""

    exit_class = 8


class LockHeld(PipelineError):
    """Another run is at work on the server."""

    exit_class = 9


class Restored(PipelineError):
    """The deploy failed; the old release is proven to run."""

    exit_class = 10


class Unproven(PipelineError):
    """The deploy failed, and nothing is proven to run: a person has to look."""

    exit_class = 11


class HostInvalid(InputError):
    """Not [user@]host[:port], or something that a command could take for an option."""


class HostPinMissing(ServerUnreached):
    """No key is pinned at all, so that no server could be recognised."""


class HostUnknown(ServerUnreached):
    """Keys are pinned, but none for this host and port."""


class HostKeyChanged(ServerUnreached):
    """The server shows another key than the pinned one."""


class HostKeyRevoked(ServerUnreached):
    """The server shows a key that is marked as revoked."""


class SshKeyUnreadable(ServerUnreached):
    """The user's private key is damaged, or no private key."""


class SshKeyEncrypted(ServerUnreached):
    """The user's private key wants a passphrase, and nobody is there to type it."""


class SshAuthRefused(ServerUnreached):
    """The server is the right one and does not accept the user's key."""


class SshUnreachable(ServerUnreached):
    """Nothing answers at the address: no such name, no route, or the port is closed."""


class SshTimeout(ServerUnreached):
    """Something was reached and then kept silent."""


class SshProtocol(ServerUnreached):
    """What answers does not speak SSH, or nothing that both sides know."""


class RemoteShell(ServerUnreached):
    """The account does not run what it is told: a forced command, or no POSIX shell."""


class LinkLost(ServerUnreached):
    """The connection ended before the command did; what it started may still run."""


class UploadFailed(ServerUnreached):
    """A file could not be written on the server, or not as it was sent."""

    exit_class = 12
