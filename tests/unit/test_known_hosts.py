"""Pinned host keys: what is read, what is refused, and what counts for which host and port."""

import base64
import hashlib
import hmac

import pytest

from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import HostKey, judge_host_key, parse_known_hosts
from ci.server_errors import HostKeyChanged, HostKeyRevoked, HostPinMissing, HostUnknown


def key(kind: str = "ssh-ed25519", fill: int = 1) -> HostKey:
    name = kind.encode()
    return HostKey(kind, len(name).to_bytes(4) + name + b"\0\0\0\x20" + bytes([fill]) * 32)


def line(names: str, of: HostKey, marker: str = "") -> str:
    return f"{marker} {names} {of.kind} {base64.b64encode(of.blob).decode()} a comment".strip()


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


OURS, OTHER, RSA = key(), key(fill=2), key("ssh-rsa", 3)
AT = HostAddress("server.example.org", 2222, "deploy")
AT_22 = HostAddress("server.example.org", 22, "deploy")

PINNING = {
    "host and port": (line("[server.example.org]:2222", OURS), AT),
    "port 22 without a port": (line("server.example.org", OURS), AT_22),
    "port 22 with a port": (line("[server.example.org]:22", OURS), AT_22),
    "another case": (line("[Server.Example.org]:2222", OURS), AT),
    "one of several names": (line("a.example.org,[server.example.org]:2222", OURS), AT),
    "hashed": (line(hashed("[server.example.org]:2222"), OURS), AT),
    "an IPv6 address": (line("[fd00::1]:2222", OURS), HostAddress("fd00::1", 2222, "deploy")),
    "Windows' line ends": (f"# a comment\r\n\r\n{line('server.example.org', OURS)}\r\n", AT_22),
    "a mark at the begin": ("\ufeff" + line("server.example.org", OURS), AT_22),
    "two keys, the second one": (
        line("server.example.org", OTHER) + "\n" + line("server.example.org", OURS),
        AT_22,
    ),
}
NOT_PINNING = {
    "another port": (line("[server.example.org]:2223", OURS), AT),
    "no port for another one than 22": (line("server.example.org", OURS), AT),
    "another host": (line("[other.example.org]:2222", OURS), AT),
    "a pattern": (line("*.example.org", OURS), AT_22),
    "hashed, another host": (line(hashed("other.example.org"), OURS), AT_22),
    "hashed, damaged": (line("|1|???|", OURS), AT_22),
    "hashed, cut": (line("|1|", OURS), AT_22),
}
PINS_NOTHING = {
    "empty": "",
    "only white space": " \n\t\n",
    "only comments": "# nothing\n# here\n",
    "garbage": "\x00\x01 garbage\n<html>\n",
    "no base64": "server.example.org ssh-ed25519 !!!!",
    "another kind inside": f"server.example.org ssh-rsa {base64.b64encode(OURS.blob).decode()}",
    "cut": line("server.example.org", OURS)[:60],
    "unknown kind": "server.example.org ssh-dss " + base64.b64encode(b"\0\0\0\7ssh-dss").decode(),
    "an authority alone": line("*", OURS, "@cert-authority"),
    "revoked alone": line("*", OURS, "@revoked"),
}


@pytest.mark.parametrize(("text", "address"), PINNING.values(), ids=PINNING)
def test_a_pinned_key_is_accepted(text, address):
    assert judge_host_key(parse_known_hosts(text), address, OURS) is None


@pytest.mark.parametrize(("text", "address"), PINNING.values(), ids=PINNING)
def test_another_key_is_a_changed_one_of_whatever_kind(text, address):
    error = judge_host_key(parse_known_hosts(text), address, RSA)
    assert isinstance(error, HostKeyChanged)
    assert OURS.fingerprint in error.cause
    assert RSA.fingerprint in error.cause


@pytest.mark.parametrize(("text", "address"), NOT_PINNING.values(), ids=NOT_PINNING)
def test_what_pins_another_host_makes_this_one_unknown(text, address):
    error = judge_host_key(parse_known_hosts(text), address, OURS)
    assert isinstance(error, HostUnknown)
    assert OURS.fingerprint in error.cause
    assert f"ssh-keyscan -t ed25519 -p {address.port} {address.host}" in error.remedy


@pytest.mark.parametrize("text", PINS_NOTHING.values(), ids=PINS_NOTHING)
def test_a_file_that_pins_nothing_is_refused(text):
    with pytest.raises(HostPinMissing):
        parse_known_hosts(text)


def test_a_revoked_key_is_refused_also_where_it_is_pinned():
    text = line("server.example.org", OURS) + "\n" + line("elsewhere", OURS, "@revoked")
    assert isinstance(judge_host_key(parse_known_hosts(text), AT_22, OURS), HostKeyRevoked)


@pytest.mark.parametrize("names", ["server.example.org", "[Server.example.org]:2223"])
def test_a_line_of_another_port_is_named(names):
    known = parse_known_hosts(f"# ours\n{line(names, OURS)}")
    assert "another port is pinned in line 2" in judge_host_key(known, AT, OURS).cause


def test_lines_that_mean_nothing_are_named_by_number():
    known = parse_known_hosts("garbage\n" + line("other.example.org", OURS))
    assert known.unread == (1,)
    assert "not readable is line 1" in judge_host_key(known, AT, OURS).cause


def test_pinned_kinds_are_asked_for_first_and_never_with_sha_1():
    known = parse_known_hosts(line("server.example.org", RSA))
    wanted = known.algorithms_for(AT_22)
    assert wanted[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert "ssh-ed25519" in wanted
    assert "ssh-rsa" not in wanted


def test_the_fingerprint_is_openssh_s():
    # Made by ssh-keygen -l of OpenSSH 9.2.
    text = "AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
    assert base64.b64decode(text) == OURS.blob
    assert OURS.fingerprint == "SHA256:RXm/ruZ0eTzRXKwi1AQEDynB0VgHQ2ac9KPSFdf/YnA"
