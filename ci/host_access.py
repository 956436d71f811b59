"""Access to a server: which keys it may show, whose key we show, and where it is really dialled."""

import dagger

from ci.decisions.known_hosts import parse_known_hosts
from ci.decisions.placement import Server
from ci.decisions.ssh_key import parse_ssh_key, unreadable
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import PipelineError
from ci.oci.text import shown
from ci.ports import HostAccess
from ci.server_errors import HostPinMissing, SshUnreachable


async def open_host_access(
    server: Server,
    key: dagger.Secret,
    known: dagger.File | None,
    link: dagger.Service | None,
    source: dagger.Directory,
) -> HostAccess:
    """Read everything that is needed to reach a server.

    Args:
        known: a known_hosts file that stands for the one of ci.toml.
        link: where the server, or its jump host, is dialled instead of at its address; its keys
            are those of the address all the same.
    Raises:
        HostPinMissing: no key is pinned.
        SshKeyUnreadable, SshKeyEncrypted: the user's key.
        SshUnreachable: nothing answers at `link`.
    """
    pins = parse_known_hosts(await _known_text(server, known, source))
    ours = parse_ssh_key(await _key_text(key))
    return HostAccess(server.address, ours, pins, await _endpoint(link), server.jump)


async def _known_text(server: Server, known: dagger.File | None, source: dagger.Directory) -> str:
    if known is None and not server.known_hosts:
        return ""
    try:
        return await (known or source.file(server.known_hosts)).contents()
    except ENGINE_ERRORS as error:
        place = "--known" if known else f"ci.toml's known_hosts, {shown(server.known_hosts)},"

        def missing(text: str) -> PipelineError:
            return HostPinMissing(
                f"{place} cannot be read: {text}",
                remedy=f"get the server's line with: ssh-keyscan -p {server.address.port}"
                f" {server.address.host}, compare its fingerprint at the server's console, and"
                " pass the file as --known or name it in ci.toml",
            )

        raise engine_error(error, missing) from error


async def _key_text(key: dagger.Secret) -> str:
    try:
        return await key.plaintext()
    except ENGINE_ERRORS as error:
        raise engine_error(error, lambda _: unreadable("it cannot be read")) from error


async def _endpoint(link: dagger.Service | None) -> str:
    if link is None:
        return ""
    try:
        await link.start()
        return await link.endpoint()
    except ENGINE_ERRORS as error:
        raise engine_error(error, _unreachable) from error


def _unreachable(text: str) -> SshUnreachable:
    return SshUnreachable(
        f"nothing answers at --link: {text}", remedy="start what listens there, or correct --link"
    )
