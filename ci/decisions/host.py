"""Where a server is and who is asked for there, judged before anything is contacted."""

import re
from dataclasses import dataclass

from ci.errors import NameInvalid
from ci.oci.text import shown
from ci.server_errors import HostInvalid

SSH_PORT = 22
_ADDRESS = re.compile(
    r"(?:(?P<user>[^@]*)@)?(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?"
)
_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*",
    re.ASCII,
)
_SIX = re.compile(r"[0-9A-Fa-f:]{2,39}", re.ASCII)
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
# What the transaction's plan takes as a word, without a way up.
_DIRECTORY = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._@:-]{1,255})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class HostAddress:
    """One account on one server; `directory` holds the stack there, "" where none is meant."""

    host: str
    port: int
    user: str
    directory: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """Write a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def parse_host(text: str, *, user: str = "", port: int = SSH_PORT) -> HostAddress:
    """Read where a server is.

    Args:
        text: ``[user@]host[:port]``; an IPv6 address in brackets.
        user: who is meant where `text` names nobody.
        port: which one is meant where `text` names none.
    Raises:
        HostInvalid: another form, no user at all, or a part that begins with "-".
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise _refused(f"{shown(text)} is not [user@]host[:port]")
    host = found["six"] or found["name"] or ""
    if not (_SIX if found["six"] else _NAME).fullmatch(host):
        raise _refused(f"{shown(host)} in {shown(text)} is no host name and no address")
    who = user if found["user"] is None else found["user"]
    if not _USER.fullmatch(who):
        raise _refused(f"{shown(who)} is no user name for {shown(text)}")
    number = int(found["port"] or port)
    if not 0 < number < 65536:
        raise _refused(f"{number} in {shown(text)} is no port")
    return HostAddress(host, number, who)


def parse_directory(text: str) -> str:
    """Read the path of the stack's directory on the server.

    Raises:
        NameInvalid: not absolute, with ``..``, or with characters that a shell could read.
    """
    if not _DIRECTORY.fullmatch(text) or len(text) > 1024:
        raise NameInvalid(
            f"{shown(text)} is no directory that can be used on a server",
            remedy="give an absolute path of letters, digits and . _ @ : -, such as /srv/observer",
        )
    return text


def _refused(cause: str) -> HostInvalid:
    return HostInvalid(cause, remedy="write it as deploy@server.example.org, or with a port: :2222")
