"""Where a server is, its directory, and the key to it: what is read and what is refused."""

import base64

import asyncssh
import pytest

from ci.decisions.host import HostAddress, parse_directory, parse_host
from ci.decisions.ssh_key import parse_ssh_key
from ci.errors import NameInvalid
from ci.server_errors import HostInvalid, SshKeyEncrypted, SshKeyUnreadable

GOOD_HOSTS = {
    "deploy@server.example.org": HostAddress("server.example.org", 22, "deploy"),
    "deploy@server:2222": HostAddress("server", 2222, "deploy"),
    "server.example.org": HostAddress("server.example.org", 22, "given"),
    "10.0.0.7:22": HostAddress("10.0.0.7", 22, "given"),
    "deploy@[fd00::1]:2222": HostAddress("fd00::1", 2222, "deploy"),
    "first.last@under_score": HostAddress("under_score", 22, "first.last"),
}
BAD_HOSTS = {
    "empty": "",
    "an option": "-oProxyCommand=id",
    "an option behind a user": "deploy@-oProxyCommand=id",
    "a user that is an option": "-l@server",
    "no user before the at": "@server",
    "no host": "deploy@",
    "shell": "deploy@$(id)",
    "white space": "deploy@ser ver",
    "newline at end": "server\n",
    "label with a dash first": "a.-b",
    "two ats": "deploy@evil@server",
    "port 0": "server:0",
    "port too large": "server:65536",
    "no port": "server:",
    "IPv6 without brackets": "fd00::1",
    "empty brackets": "[]",
    "a path": "server/x",
    "a scheme": "ssh://server",
    "other digits": "server:٢٢",
    "too long": "a" * 254,
}
BAD_DIRECTORIES = {
    "empty": "",
    "relative": "srv/observer",
    "up": "/srv/../etc",
    "up at the end": "/srv/..",
    "a dot": "/srv/./observer",
    "the root alone": "/",
    "two slashes": "/srv//observer",
    "slash at the end": "/srv/observer/",
    "shell": "/srv/$(id)",
    "white space": "/srv/my app",
    "quote": "/srv/o'clock",
    "newline": "/srv/observer\n",
    "home": "~/observer",
    "too long": "/a" * 600,
}
KEY = asyncssh.generate_private_key("ssh-ed25519")
RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
TEXT = KEY.export_private_key().decode()
LINES = TEXT.splitlines()


def encrypted_openssh() -> str:
    """The frame that ssh-keygen -N gives a key; what is encrypted in it is not looked at."""
    plain = base64.b64decode("".join(LINES[1:-1]))
    protected = plain.replace(
        b"\0\0\0\4none\0\0\0\4none\0\0\0\0",
        b"\0\0\0\x0aaes256-ctr\0\0\0\6bcrypt\0\0\0\x18" + b"\0\0\0\x10" + b"s" * 16 + b"\0\0\0\x10",
    )
    assert protected != plain
    return f"{LINES[0]}\n{base64.b64encode(protected).decode()}\n{LINES[-1]}\n"


REPAIRED = {
    "as it is": TEXT,
    "Windows' line ends": TEXT.replace("\n", "\r\n"),
    "no newline at the end": TEXT.rstrip("\n"),
    "indented": "".join(f"    {line}\n" for line in LINES),
    "empty lines around": f"\n\n{TEXT}\n\n",
    "a mark at the begin": "\ufeff" + TEXT,
}
UNREADABLE = {
    "empty": "",
    "a password": "hunter2-very-secret",
    "no line ends": TEXT.replace("\n", " "),
    "literal line ends": TEXT.replace("\n", "\\n"),
    "no end": "\n".join(LINES[:-1]),
    "a line lost": "\n".join([*LINES[:2], *LINES[4:]]),
    "half a line": "\n".join([LINES[0], LINES[1][:20], LINES[-1]]),
    "other letters": TEXT.replace(LINES[2][:5], "!!!!!"),
    "another END": TEXT.replace("END OPENSSH", "END RSA"),
    "public half": KEY.export_public_key().decode(),
    "PuTTY's": "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "another kind inside": f"{LINES[0]}\naGVsbG8gd29ybGQ=\n{LINES[-1]}\n",
}
ENCRYPTED = {
    "OpenSSH's form": encrypted_openssh(),
    "PKCS 8": RSA.export_private_key("pkcs8-pem", passphrase="canary").decode(),
    "PKCS 1": RSA.export_private_key("pkcs1-pem", passphrase="canary").decode(),
}


@pytest.mark.parametrize(("text", "expected"), GOOD_HOSTS.items())
def test_a_host_is_read(text, expected):
    assert parse_host(text, user="given") == expected


@pytest.mark.parametrize("text", BAD_HOSTS.values(), ids=BAD_HOSTS)
def test_a_bad_host_is_refused_with_a_remedy(text):
    with pytest.raises(HostInvalid) as caught:
        parse_host(text, user="given")
    assert caught.value.exit_class == 2
    assert "\n" not in caught.value.cause
    assert caught.value.remedy


def test_a_host_without_any_user_is_refused():
    with pytest.raises(HostInvalid, match="no user name"):
        parse_host("server")


@pytest.mark.parametrize("text", ["/srv/observer", "/home/deploy/app_1.2", "/a/b-c@d:e"])
def test_a_directory_is_read(text):
    assert parse_directory(text) == text


@pytest.mark.parametrize("text", BAD_DIRECTORIES.values(), ids=BAD_DIRECTORIES)
def test_a_bad_directory_is_refused(text):
    with pytest.raises(NameInvalid):
        parse_directory(text)


@pytest.mark.parametrize("text", REPAIRED.values(), ids=REPAIRED)
def test_a_key_is_repaired_where_only_its_line_ends_suffered(text):
    assert asyncssh.import_private_key(parse_ssh_key(text).text) == KEY


@pytest.mark.parametrize("form", ["openssh", "pkcs1-pem", "pkcs8-pem"])
def test_every_form_of_a_key_is_read(form):
    text = RSA.export_private_key(form).decode()
    assert asyncssh.import_private_key(parse_ssh_key(text).text) == RSA


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_damaged_key_is_refused_and_never_shown(text):
    with pytest.raises(SshKeyUnreadable) as caught:
        parse_ssh_key(text)
    words = {word for word in text.split() if len(word) > 9 and "PRIVATE" not in word}
    assert not any(word in str(caught.value) for word in words)


@pytest.mark.parametrize("text", ENCRYPTED.values(), ids=ENCRYPTED)
def test_an_encrypted_key_is_told_apart(text):
    with pytest.raises(SshKeyEncrypted):
        parse_ssh_key(text)


def test_a_key_is_not_shown():
    assert LINES[1] not in repr(parse_ssh_key(TEXT))
