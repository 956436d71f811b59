"""Tags, digests, repositories and platforms: what is read, and what is refused with a remedy."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import DigestInvalid, NameInvalid, PipelineError, PlatformInvalid, TagInvalid
from ci.oci.digest import digest_of, parse_digest
from ci.oci.platform import parse_platform
from ci.oci.reference import Reference, Repository, is_loopback, parse_repository, parse_tag

BAD_TAGS = {
    "empty": "",
    "leading dot": ".hidden",
    "leading dash": "-rf",
    "two dots": "..",
    "colon from ISO time": "2025-01-31T23:59:59Z",
    "129 characters": "a" * 129,
    "newline at end": "latest\n",
    "command substitution": "$(id)",
    "backticks": "`id`",
    "semicolon": "a;b",
    "pipe": "a|b",
    "and": "a&&b",
    "NUL": "a\x00b",
    "right-to-left override": "a\u202eb",
    "terminal escape": "a\x1b[31m",
    "workflow command": "::add-mask::x",
    "Arabic-Indic digits": "\u0662\u0660",
}


@pytest.mark.parametrize("text", BAD_TAGS.values(), ids=BAD_TAGS.keys())
def test_bad_tag_is_refused_escaped_and_with_a_remedy(text):
    with pytest.raises(TagInvalid) as caught:
        parse_tag(text)
    assert caught.value.remedy
    shown = str(caught.value)
    assert shown.isascii()
    assert "\x1b" not in shown
    assert "::add" not in shown


@pytest.mark.parametrize("text", ["latest", "20260123-170510", "a" * 128, "_x", "v1.2.3-rc.1"])
def test_good_tag_is_read(text):
    assert parse_tag(text).text == text


BAD_NAMES = {
    "no registry": "observer",
    "no repository": "ghcr.io/",
    "upper case": "ghcr.io/Acme/observer",
    "two dots": "ghcr.io/a/../b",
    "empty component": "ghcr.io/a//b",
    "escaped dots": "ghcr.io/%2e%2e/b",
    "leading slash": "/ghcr.io/a",
    "tag": "ghcr.io/a/b:latest",
    "digest": "ghcr.io/a/b@sha256:00",
    "user": "user@ghcr.io/a",
    "user and password": "user:pw@ghcr.io/a",
    "scheme": "https://ghcr.io/a",
    "no dot in the host": "acme/observer",
    "too long": "ghcr.io/" + "a" * 300,
    "huge": "a" * 65536,
    "newline": "ghcr.io/a\n",
    "shell": "ghcr.io/$(id)",
    "port too long": "localhost:123456/a",
}


@pytest.mark.parametrize("text", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_bad_name_is_refused(text):
    begun = time.process_time()
    with pytest.raises(NameInvalid):
        parse_repository(text)
    # Linear: what grows with the square takes minutes here.
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("ghcr.io/acme/observer", "ghcr.io", "acme/observer"),
        ("localhost:5000/acme/observer", "localhost:5000", "acme/observer"),
        ("localhost/a", "localhost", "a"),
        ("r.example/a.b_c__d--e/f", "r.example", "a.b_c__d--e/f"),
    ],
)
def test_good_name_is_read_and_written_back(text, registry, path):
    assert parse_repository(text) == Repository(registry, path)
    assert str(Repository(registry, path)) == text


BAD_DIGESTS = {
    "63 digits": "sha256:" + "a" * 63,
    "65 digits": "sha256:" + "a" * 65,
    "upper case": "sha256:" + "A" * 64,
    "sha512": "sha512:" + "a" * 128,
    "word": "sha256:baddigest",
    "newline": "sha256:" + "a" * 64 + "\n",
    "bare": "a" * 64,
    "empty": "",
}


@pytest.mark.parametrize("text", BAD_DIGESTS.values(), ids=BAD_DIGESTS.keys())
def test_bad_digest_is_refused(text):
    with pytest.raises(DigestInvalid):
        parse_digest(text)


@given(st.binary())
def test_digest_of_bytes_is_read_back(raw):
    assert parse_digest(str(digest_of(raw))) == digest_of(raw)


@given(st.text())
def test_any_text_is_read_or_refused_in_ascii(text):
    for parse in (parse_tag, parse_repository, parse_digest, parse_platform):
        try:
            assert str(parse(text)) in (text, f"{text.removesuffix('/v8')}")
        except PipelineError as error:
            assert str(error).isascii()
            assert error.exit_class == 2


@pytest.mark.parametrize("text", ["linux", "linux/", "Linux/amd64", "linux/amd64\n", "a/b/c/d", ""])
def test_bad_platform_is_refused(text):
    with pytest.raises(PlatformInvalid):
        parse_platform(text)


def test_arm64_has_one_spelling():
    assert parse_platform("linux/arm64/v8") == parse_platform("linux/arm64")
    assert parse_platform("linux/arm/v7") != parse_platform("linux/arm")


def test_a_reference_is_written_with_tag_and_digest():
    digest = digest_of(b"")
    reference = Reference(Repository("ghcr.io", "a/b"), parse_tag("t"), digest)
    assert str(reference) == f"ghcr.io/a/b:t@{digest}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("128.0.0.1", False),
        ("ghcr.io", False),
    ],
)
def test_only_this_machine_is_loopback(host, expected):
    assert is_loopback(host) is expected
