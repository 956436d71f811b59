"""A server over SSH: our own settings alone, a pinned host key, one given user key.

Neither the user's SSH configuration nor an agent nor a key of the home is looked at. What speaks
the protocol is imported when a server is dialled: it costs every other call its start-up time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from ci.errors import State, reached
from ci.ports import Host, HostAccess


@dataclass(frozen=True, slots=True)
class SshDeadlines:
    """How long silence is borne: in each phase before the login, and on an open connection."""

    phase_s: float = 15
    keepalive_s: float = 5
    keepalive_count: int = 3


@asynccontextmanager
async def open_host(
    access: HostAccess, *, deadlines: SshDeadlines | None = None
) -> AsyncIterator[Host]:
    """Connect (through the jump host, where there is one), recognise the server, log in.

    Raises:
        HostUnknown, HostKeyChanged, HostKeyRevoked: not the pinned server; no login was tried.
        SshAuthRefused, SshKeyUnreadable: the user's key.
        SshUnreachable, SshTimeout, SshProtocol: the way there.
    """
    from ci.adapters.ssh_dial import dial
    from ci.adapters.ssh_session import SshHost

    limits = deadlines or SshDeadlines()
    if access.jump:
        first = replace(access, address=access.jump, jump=None)
        with reached(State.S3):
            tunnel = await dial(first, limits)
        async with tunnel:
            with reached(State.S3):
                connection = await dial(access, limits, tunnel=tunnel)
            async with connection:
                yield SshHost(connection, access.address, limits)
        return
    with reached(State.S3):
        connection = await dial(access, limits)
    async with connection:
        yield SshHost(connection, access.address, limits)
