"""What is understood of a Dockerfile before the builder gets it."""

import pytest

from ci.embedded.dockerfile import Dockerfile
from ci.embedded.errors import EngineError, Unsupported

ARGUMENTS = {"BUILDPLATFORM": "linux/amd64", "TARGETPLATFORM": "linux/arm64"}
TEXT = """\
# a comment
ARG VERSION=3.11
ARG BASE=python:${VERSION}-slim
FROM --platform=$BUILDPLATFORM ${BASE} AS Build
RUN echo one \\
    # a comment inside
    && echo two
FROM build AS test
RUN --mount=type=cache,target=/c pytest
FROM golang:${GO:-1.22} AS unused
FROM scratch AS files
COPY --from=build /x /x
FROM python:3.12-slim
COPY --from=files / /
COPY --from=1 /y /y
RUN <<EOF
FROM not-a-stage
EOF
CMD ["true"]
"""


def test_bases_are_filled_from_arguments_and_their_defaults() -> None:
    stages = Dockerfile.parse(TEXT, ARGUMENTS).stages
    external = [(stage.base, stage.platform) for stage in stages if stage.is_external]
    assert external == [
        ("python:3.11-slim", "linux/amd64"),
        ("golang:1.22", ""),
        ("python:3.12-slim", ""),
    ]


def test_only_the_stages_of_the_target_are_needed() -> None:
    parsed = Dockerfile.parse(TEXT, ARGUMENTS)
    assert [stage.index for stage in parsed.needed("")] == [0, 1, 3, 4]
    assert [stage.index for stage in parsed.needed("test")] == [0, 1]
    assert [stage.index for stage in parsed.needed("BUILD")] == [0]


def test_a_missing_target_is_named() -> None:
    with pytest.raises(EngineError, match='"nope" could not be found'):
        Dockerfile.parse(TEXT, ARGUMENTS).needed("nope")


def test_a_pinned_base_replaces_its_from_line_alone() -> None:
    bases = {0: "python@sha256:abc", 4: "python@sha256:def"}
    pinned = Dockerfile.parse(TEXT, ARGUMENTS).pinned(bases).splitlines()
    changed = [(a, b) for a, b in zip(TEXT.splitlines(), pinned, strict=True) if a != b]
    assert changed == [
        (
            "FROM --platform=$BUILDPLATFORM ${BASE} AS Build",
            "FROM --platform=$BUILDPLATFORM python@sha256:abc AS build",
        ),
        ("FROM python:3.12-slim", "FROM python@sha256:def"),
    ]


def test_a_from_over_two_lines_is_pinned_whole() -> None:
    pinned = Dockerfile.parse("FROM python \\\n  AS x\nRUN true\n", {}).pinned({0: "p@sha256:1"})
    assert pinned == "\nFROM p@sha256:1 AS x\nRUN true\n"


@pytest.mark.parametrize("kind", ["secret", "ssh"])
def test_a_mount_that_the_builder_would_skip_silently_is_refused(kind: str) -> None:
    text = f"FROM python\nRUN --mount=type={kind},id=token cat /run/secrets/token\n"
    parsed = Dockerfile.parse(text, {})
    with pytest.raises(Unsupported, match=f"type={kind}"):
        parsed.refuse_what_needs_a_session(parsed.stages)


@pytest.mark.parametrize("text", ["", "RUN true\n", "FROM\n", "FROM ${NOTHING}\n"])
def test_a_dockerfile_without_a_base_is_refused(text: str) -> None:
    with pytest.raises(EngineError):
        Dockerfile.parse(text, {})
