"""From an address to a connection that is logged in; every way to fail told apart."""

import asyncio
import errno
import socket
from collections.abc import Awaitable
from typing import Any, TypeVar

import asyncssh

from ci.adapters.ssh import SshDeadlines
from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import HostKey, KnownHosts, judge_host_key
from ci.decisions.ssh_failures import login_refused, no_agreement, too_slow, unreachable
from ci.decisions.ssh_key import SshKey, unreadable
from ci.errors import PipelineError
from ci.oci.text import shown
from ci.ports import HostAccess

_LOOK_S = 0.05
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}
T = TypeVar("T")


class _Watch(asyncssh.SSHClient):
    """Judges the host key, and knows how far a connection came."""

    def __init__(self, pins: KnownHosts, address: HostAddress) -> None:
        self._pins, self._address = pins, address
        self._connection: asyncssh.SSHClientConnection | None = None
        self.refusal: PipelineError | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.refusal = judge_host_key(self._pins, self._address, _host_key(key))
        return self.refusal is None

    @property
    def phase(self) -> str:
        """What the other side owes us now."""
        if not self._connection or not self._connection.get_extra_info("server_version"):
            return "greeting"
        if not self._connection.get_extra_info("recv_cipher"):
            return "key exchange"
        return "login"


async def dial(
    access: HostAccess,
    limits: SshDeadlines,
    *,
    tunnel: asyncssh.SSHClientConnection | None = None,
) -> asyncssh.SSHClientConnection:
    """Connect and log in, in phases with a deadline each.

    Raises:
        PipelineError: what ``open_host`` says.
    """
    key = _private_key(access.key)
    sock = None if tunnel else await _connect(access, limits.phase_s)
    watch = _Watch(access.pins, access.address)
    options: dict[str, Any] = {
        **_options(access, limits),
        "client_keys": [key],
        "client_factory": lambda: watch,
    }
    way = {"sock": sock} if sock else {"tunnel": tunnel}
    address = access.address
    connecting = asyncssh.connect(address.host, address.port, **way, **options)
    try:
        return await _in_phases(connecting, watch, address, limits.phase_s)
    except (asyncssh.Error, OSError) as error:
        raise watch.refusal or _classify(error, watch.phase, address, key) from error


def _options(access: HostAccess, limits: SshDeadlines) -> dict[str, Any]:
    return {
        # Nothing of the user's: no configuration, no agent, no other key, no other way to log in.
        "config": None,
        "agent_path": None,
        "pkcs11_provider": None,
        "x509_trusted_certs": None,
        "gss_host": None,
        "client_host_keys": None,
        "preferred_auth": ["publickey"],
        "username": access.address.user,
        # No key is trusted beforehand: each goes through validate_host_public_key.
        "known_hosts": ([], [], []),
        "server_host_key_algs": list(access.pins.algorithms_for(access.address)),
        "compression_algs": ["none"],
        "connect_timeout": None,
        "login_timeout": 0,
        "keepalive_interval": limits.keepalive_s,
        "keepalive_count_max": limits.keepalive_count,
    }


def _private_key(key: SshKey) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(key.text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        # Its own text may quote the key.
        raise unreadable("it has the form of a key, but its numbers are damaged") from None


async def _connect(access: HostAccess, limit_s: float) -> socket.socket:
    """Open a TCP connection to the endpoint, else to the address."""
    address = access.address
    host, port = address.host, address.port
    if access.endpoint:
        host, _, text = access.endpoint.rpartition(":")
        host, port = host.strip("[]"), int(text)
    place = f"{host} port {port}" + (" (the link)" if access.endpoint else "")
    try:
        async with asyncio.timeout(limit_s):
            return await _connect_to_any(host, port, limit_s)
    except TimeoutError:
        raise too_slow("connection", place, address, limit_s) from None
    except (socket.gaierror, UnicodeError) as error:
        raise unreachable(f"the name {host} is not known (DNS): {error}", address) from error
    except OSError as error:
        raise unreachable(_not_connected(error, place), address) from error


async def _connect_to_any(host: str, port: int, limit_s: float) -> socket.socket:
    """Try one address of the name after the other, each for its share; the first error counts."""
    loop = asyncio.get_running_loop()
    failed = list[OSError]()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, target in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(limit_s / len(found)):
                await loop.sock_connect(sock, target)
        except OSError as error:
            sock.close()
            failed.append(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed[0]


async def _in_phases(work: Awaitable[T], watch: _Watch, address: HostAddress, limit_s: float) -> T:
    """Wait for the connection as long as each phase in itself ends in time."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    phase, since = watch.phase, loop.time()
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
            if watch.phase != phase:
                phase, since = watch.phase, loop.time()
            elif loop.time() - since > limit_s:
                raise too_slow(phase, str(address), address, limit_s)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _classify(
    error: Exception, phase: str, address: HostAddress, key: asyncssh.SSHKey
) -> PipelineError:
    said = str(error)
    if isinstance(error, asyncssh.ChannelOpenError):
        return unreachable(f"the jump host cannot reach {address}: {shown(said)}", address)
    if isinstance(error, asyncssh.ConnectionLost | OSError):
        cause = f"{address} closed the connection in the {phase}: {shown(said)}"
        return unreachable(cause, address)
    if phase == "login":
        return login_refused(address, _host_key(key), said)
    return no_agreement(phase, address, said)


def _host_key(key: asyncssh.SSHKey) -> HostKey:
    return HostKey(key.algorithm.decode("ascii"), key.public_data)


def _not_connected(error: OSError, place: str) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"{place} refused the connection: nothing listens there"
    if error.errno in _NO_ROUTE:
        return f"there is no route to {place}: {error.strerror}"
    return f"{place} cannot be connected to: {shown(str(error))}"
