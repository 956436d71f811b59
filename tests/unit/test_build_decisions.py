"""Reading a Dockerfile's bases, and the labels that tell where an image comes from."""

from datetime import UTC

import pytest

from ci.decisions.dockerfile import base_of, parse_stages, untold_settings
from ci.decisions.labels import Origin, labels_of_release, release_labels, split_base
from ci.decisions.tags import parse_release_tag
from ci.errors import ContextInvalid
from ci.oci.digest import digest_of

MULTI = """\
# syntax note
ARG VERSION=3.11
ARG FLAVOUR="slim"
FROM --platform=$BUILDPLATFORM python:${VERSION}-$FLAVOUR AS base
ARG VERSION=other
RUN echo FROM nothing
from base as test
FROM scratch AS files
FROM \\
  # a comment between
  base \\
  AS Release
"""


@pytest.mark.parametrize(
    ("target", "args", "expected"),
    [
        ("", {}, "python:3.11-slim"),
        ("release", {}, "python:3.11-slim"),
        ("TEST", {}, "python:3.11-slim"),
        ("files", {}, ""),
        ("base", {"VERSION": "3.13"}, "python:3.13-slim"),
    ],
)
def test_the_base_of_a_target_is_found(target, args, expected):
    assert base_of(parse_stages(MULTI, args), target) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a@sha256:00", "a@sha256:00"),
        ("FROM ${X:-fallback}:1", "fallback:1"),
        ("FROM a\r\nRUN b\r\n", "a"),
        ("FROM a AS b\nFROM b", "a"),
        ("FROM b AS b", "b"),
        ("FROM localhost:5000/a/b:1", "localhost:5000/a/b:1"),
    ],
)
def test_the_last_stage_is_the_target_when_none_is_named(text, expected):
    assert base_of(parse_stages(text, {}), "") == expected


@pytest.mark.parametrize(("text", "target"), [("", ""), ("RUN x", ""), ("FROM a AS b", "c")])
def test_a_dockerfile_without_the_target_is_refused(text, target):
    with pytest.raises(ContextInvalid):
        base_of(parse_stages(text, {}), target)


TAG = parse_release_tag("20260123-170510", UTC)
ORIGIN = Origin(TAG, digest_of(b""), "0" * 40, "https://example.test/a/b")


def test_labels_are_those_of_the_image_spec_and_repeat():
    labels = release_labels(ORIGIN, base_name="docker.io/library/python", base_digest="sha256:0")
    assert labels == release_labels(
        ORIGIN, base_name="docker.io/library/python", base_digest="sha256:0"
    )
    spec = "org.opencontainers.image."
    assert labels == {
        f"{spec}version": "20260123-170510",
        f"{spec}revision": "0" * 40,
        f"{spec}source": "https://example.test/a/b",
        f"{spec}created": "2026-01-23T17:05:10Z",
        f"{spec}base.name": "docker.io/library/python",
        f"{spec}base.digest": "sha256:0",
        "ci.fingerprint": str(digest_of(b"")),
    }


def test_labels_are_read_back():
    labels = release_labels(ORIGIN, base_name="", base_digest="")
    assert labels_of_release(labels) == ("20260123-170510", str(digest_of(b"")))
    assert labels_of_release({}) == ("", "")


def test_what_is_not_known_is_not_claimed():
    labels = release_labels(Origin(None, digest_of(b""), "1", ""), base_name="", base_digest="")
    assert sorted(labels) == ["ci.fingerprint", "org.opencontainers.image.revision"]


def test_a_resolved_base_is_name_and_digest():
    assert split_base("docker.io/library/a:1@sha256:0") == ("docker.io/library/a:1", "sha256:0")
    assert split_base("a:1") == ("a:1", "")


def test_the_settings_that_no_engine_tells_are_named_once():
    text = "FROM a\nvolume /data\n# VOLUME\nRUN echo STOPSIGNAL\n  STOPSIGNAL 9\nVOLUME /more\n"
    assert untold_settings(text) == ("STOPSIGNAL", "VOLUME")
    assert untold_settings("FROM scratch\nVOLUMES x\n") == ()
