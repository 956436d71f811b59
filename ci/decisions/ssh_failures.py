"""What is said when a server is not reached: the cause as it was seen, and a command to paste."""

from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import HostKey
from ci.oci.text import shown
from ci.server_errors import SshAuthRefused, SshProtocol, SshTimeout, SshUnreachable


def unreachable(cause: str, address: HostAddress) -> SshUnreachable:
    """Nothing answers on the way to the server."""
    return SshUnreachable(
        cause,
        remedy=f"find out from where it answers: ssh-keyscan -p {address.port} {address.host};"
        " where only another machine reaches it, pass --link, or name a jump host in ci.toml",
    )


def too_slow(phase: str, place: str, address: HostAddress, limit_s: float) -> SshTimeout:
    """Something kept silent in one phase."""
    return SshTimeout(
        f"{place} did not finish the {phase} in {limit_s:g} s",
        remedy="a firewall that drops packets, or an overloaded server: try again once this"
        f" answers: ssh-keyscan -T 15 -p {address.port} {address.host}",
    )


def no_agreement(phase: str, address: HostAddress, said: str) -> SshProtocol:
    """What answers is not understood."""
    return SshProtocol(
        f"{address} does not agree on the SSH protocol in the {phase}: {shown(said)}",
        remedy=f"see what answers there: ssh-keyscan -p {address.port} {address.host};"
        " is it the SSH port of a server that is kept up to date?",
    )


def login_refused(address: HostAddress, key: HostKey, said: str) -> SshAuthRefused:
    """The server is the pinned one and does not let the key in."""
    return SshAuthRefused(
        f"{address} is the pinned server and does not accept the key {key}: {shown(said)}",
        remedy="put the line of `ssh-keygen -y -f KEY` into the file"
        f" ~{address.user}/.ssh/authorized_keys there; `journalctl -u ssh` there says why",
    )
