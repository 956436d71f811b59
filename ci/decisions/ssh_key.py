"""Reading the user's private key from text, as files, variables and secret stores hand it out."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from ci.errors import PipelineError
from ci.server_errors import SshKeyEncrypted, SshKeyUnreadable

_FRAME = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]*PRIVATE KEY)-----")
_MAGIC = b"openssh-key-v1\0"
_NEW_KEY = (
    "make a key for this alone: ssh-keygen -t ed25519 -N '' -f deploy_key, put deploy_key.pub into"
    " the account's authorized_keys, and pass --key file:deploy_key"
)


@dataclass(frozen=True, slots=True)
class SshKey:
    """A private key that no passphrase protects; never shown."""

    text: str = field(repr=False)


def parse_ssh_key(text: str) -> SshKey:
    """Read a private key in OpenSSH's or PEM form, with the ends of lines repaired.

    Raises:
        SshKeyEncrypted: a passphrase protects it.
        SshKeyUnreadable: cut, without its lines, or something else altogether.
    """
    lines = [line.strip() for line in text.strip("\ufeff \t\r\n").splitlines()]
    lines = [line for line in lines if line]
    begin, end = (_FRAME.fullmatch(lines[at]) if lines else None for at in (0, -1))
    if not begin or not end or (begin[1], end[1]) != ("BEGIN", "END") or begin[2] != end[2]:
        raise unreadable(_what_else(lines))
    inner = lines[1:-1]
    if begin[2].startswith("ENCRYPTED") or any(line.startswith("Proc-Type:") for line in inner):
        raise _encrypted()
    try:
        raw = base64.b64decode("".join(inner), validate=True)
    except (binascii.Error, ValueError):
        raise unreadable("its text between BEGIN and END is damaged or cut") from None
    if begin[2] == "OPENSSH PRIVATE KEY":
        _check_openssh(raw)
    return SshKey("\n".join(lines) + "\n")


def unreadable(what: str) -> PipelineError:
    """Say that the key is of no use, without a character of it."""
    return SshKeyUnreadable(f"the SSH key cannot be used: {what}", remedy=_NEW_KEY)


def _encrypted() -> PipelineError:
    return SshKeyEncrypted("the SSH key is protected by a passphrase", remedy=_NEW_KEY)


def _check_openssh(raw: bytes) -> None:
    if not raw.startswith(_MAGIC):
        raise unreadable("it says OPENSSH and is something else")
    at = len(_MAGIC)
    fields = list[bytes]()
    for name in ("cipher", "kdf", "options", "", "public", "private"):
        length = int.from_bytes(raw[at : at + 4])
        at += 4
        if name:
            fields.append(raw[at : at + length])
            at += length
    if at > len(raw):
        raise unreadable("it is cut")
    if fields[0] != b"none":
        raise _encrypted()


def _what_else(lines: list[str]) -> str:
    if not lines:
        return "it is empty"
    if lines[0].startswith(("ssh-", "ecdsa-", "sk-", "-----BEGIN PUBLIC", "---- BEGIN SSH2")):
        return "it is the public half; the private one's name has no .pub"
    if lines[0].startswith("PuTTY-User-Key-File"):
        return "it is PuTTY's form; puttygen KEY -O private-openssh -o deploy_key converts it"
    if "-----BEGIN " in lines[0]:
        return "its END line is missing, it is cut, or it lost its line ends"
    return "it does not begin with -----BEGIN ... PRIVATE KEY-----"
