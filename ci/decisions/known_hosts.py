"""Pinned host keys: reading known_hosts, and judging the key that a server shows.

Stricter than OpenSSH where it guesses: names are exact, an entry without a port counts for port 22
alone, a key marked as revoked is so everywhere, and a file that pins nothing is an error.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from ci.decisions.host import SSH_PORT, HostAddress
from ci.errors import PipelineError
from ci.oci.text import shown
from ci.server_errors import HostKeyChanged, HostKeyRevoked, HostPinMissing, HostUnknown

# How each kind of key is asked for in the key exchange; ssh-rsa's own SHA-1 signature never.
ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
_SHORT = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}
_COMPARE = "ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub"


@dataclass(frozen=True, slots=True)
class HostKey:
    """A server's public key: its kind, and its bytes as they go over the wire."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l writes it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip('=')}"

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Pin:
    """One line: whose key it is, as written there."""

    line: int
    names: tuple[str, ...]
    key: HostKey
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """What is pinned; `unread` are the numbers of lines that mean nothing here."""

    pins: tuple[Pin, ...]
    unread: tuple[int, ...] = ()

    def pins_of(self, address: HostAddress) -> tuple[Pin, ...]:
        """The pinned keys of exactly this host and port."""
        host = address.host.lower()
        names = {f"[{host}]:{address.port}", *([host] if address.port == SSH_PORT else [])}
        return tuple(
            pin for pin in self.pins if not pin.is_revoked and any(_is_of(pin, n) for n in names)
        )

    def algorithms_for(self, address: HostAddress) -> tuple[str, ...]:
        """What to ask a server for: the pinned kinds first, so that it shows a key of those.

        The other kinds follow because a server without the pinned one then shows which key it has,
        and is refused for that, not for a broken connection.
        """
        pinned = [pin.key.kind for pin in self.pins_of(address)]
        kinds = dict.fromkeys([*pinned, *ALGORITHMS])
        return tuple(name for kind in kinds for name in ALGORITHMS[kind])


def parse_known_hosts(text: str) -> KnownHosts:
    """Read a known_hosts file.

    Raises:
        HostPinMissing: nothing in it pins a key.
    """
    pins, unread = list[Pin](), list[int]()
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        pin = _read_line(number, words)
        if pin:
            pins.append(pin)
        else:
            unread.append(number)
    if not any(not pin.is_revoked for pin in pins):
        lines = f"; not readable is line {_few(unread)}" if unread else ""
        raise HostPinMissing(
            f"the known hosts pin no key{lines}",
            remedy="get the server's line with: ssh-keyscan -p PORT HOST, compare its fingerprint"
            f" at the server's console ({_COMPARE.format('ed25519')}), then pass it as --known",
        )
    return KnownHosts(tuple(pins), tuple(unread))


def judge_host_key(known: KnownHosts, address: HostAddress, seen: HostKey) -> PipelineError | None:
    """Say what is wrong with the key that a server shows; None when it is a pinned one."""
    if any(pin.is_revoked and pin.key == seen for pin in known.pins):
        return HostKeyRevoked(
            f"{_place(address)} shows {seen}, which the known hosts mark as revoked",
            remedy="do not connect; at the server's console remove the old host keys and make new"
            f" ones (ssh-keygen -A), then pin those: {_scan(address, seen)}",
        )
    pins = known.pins_of(address)
    if any(pin.key == seen for pin in pins):
        return None
    if pins:
        pinned = ", ".join(f"{pin.key} (line {pin.line})" for pin in pins)
        return HostKeyChanged(
            f"{_place(address)} shows {seen}; pinned is {pinned}",
            remedy="somebody may be in between: no login was tried. If the server was made anew,"
            f" {_compare(seen)}, then replace the pinned line by that of: {_scan(address, seen)}",
        )
    return HostUnknown(
        f"{_place(address)} shows {seen}; no key is pinned for it{_hints(known, address)}",
        remedy=f"{_compare(seen)}; where both are the same, add to the known hosts the line of:"
        f" {_scan(address, seen)}",
    )


def _read_line(number: int, words: list[str]) -> Pin | None:
    marker = words.pop(0) if words[0].startswith("@") else ""
    if marker not in ("", "@revoked") or len(words) < 3 or words[1] not in ALGORITHMS:
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    kind = words[1].encode()
    if not blob.startswith(len(kind).to_bytes(4) + kind) or len(blob) < len(kind) + 36:
        return None
    names = tuple(words[0].split(","))
    return Pin(number, names, HostKey(words[1], blob), marker == "@revoked")


def _is_of(pin: Pin, name: str) -> bool:
    return any(
        _is_hash_of(each, name) if each.startswith("|1|") else each.lower() == name
        for each in pin.names
    )


def _is_hash_of(hashed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hashed.split("|")[2:])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), digest)


def _hints(known: KnownHosts, address: HostAddress) -> str:
    """What may have been meant to pin it."""
    near = [
        pin.line
        for pin in known.pins
        if any(
            name.lower().partition("]:")[0].lstrip("[") == address.host.lower()
            for name in pin.names
        )
    ]
    hints = {"another port is pinned in line": near, "not readable is line": list(known.unread)}
    return "".join(f"; {what} {_few(lines)}" for what, lines in hints.items() if lines)


def _few(lines: list[int]) -> str:
    return ", ".join(map(str, lines[:5]))


def _place(address: HostAddress) -> str:
    return shown(f"{address.host} port {address.port}").strip("'")


def _scan(address: HostAddress, key: HostKey) -> str:
    return f"ssh-keyscan -t {_short(key.kind)} -p {address.port} {address.host}"


def _compare(key: HostKey) -> str:
    return f"compare with what the server's console says to: {_COMPARE.format(_short(key.kind))}"


def _short(kind: str) -> str:
    return _SHORT.get(kind, "ecdsa")
