"""Rows T: bad input is refused at once, by name, with nothing contacted and nothing misread."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci.adapters.clock import SystemClock
from ci.adapters.files import LocalFiles
from ci.adapters.prober import HttpProber
from ci.adapters.registry import open_registry
from ci.adapters.script import read_script
from ci.adapters.ssh import open_host
from ci.decisions.report import parse_format
from ci.decisions.tags import parse_release_tag
from ci.errors import (
    DigestInvalid,
    InputError,
    NameInvalid,
    PlatformInvalid,
    SettingsInvalid,
    TagInvalid,
    TagReserved,
)
from ci.oci.digest import parse_digest
from ci.oci.platform import parse_platform
from ci.oci.reference import parse_repository
from ci.run import Run, World
from ci.settings import parse_settings
from tests.contract.kits import Quiet
from tests.faults.bench import minted
from tests.faults.sockets import connections

# Of our own work, not of the clock on the wall: the machine may be busy with something else.
LIMIT_S = 0.05
# For one try alone, in which the interpreter may also clear up after all tests before.
ONE_TRY_S = 0.2
CI_TOML = (Path(__file__).resolve().parents[2] / "ci.toml").read_text()


@dataclass(frozen=True)
class Arguments:
    """What a call gives; with bad input neither source nor token is looked at."""

    source: object = None
    repo: object = None
    image: str = "localhost:5000/acme/observer"
    user: str = ""
    token: object = None
    via: object = None
    format: str = "table"


def run() -> Run:
    """The stages as a call builds them."""
    world = World(
        SystemClock(), Quiet(), LocalFiles(), HttpProber(), open_registry, open_host, read_script
    )
    given = Arguments()
    settings_ = parse_settings(CI_TOML, image=given.image)
    return Run(given, settings_, parse_format(given.format), world)


def publish(text: str) -> object:
    return asyncio.run(run().publish(text, dirty=False, anyway=False))


def verify_digest(text: str) -> object:
    return asyncio.run(run().verify(minted(), text))


def build_platform(text: str) -> object:
    return asyncio.run(run().build(text))


def image_flag(text: str) -> object:
    return parse_settings(CI_TOML, image=text)


TAGS = {
    "T1 command": "20260123-$(id)",
    "T1 backticks": "`id`",
    "T1 semicolon": "20260123-170510;id",
    "T1 pipe": "20260123-170510|id",
    "T1 and": "20260123-170510&&id",
    "T2 newline at the end": "20261123-001122\n",
    "T2 newline in front": "\n20261123-001122",
    "T3 Arabic digits": "2026112٣-001122",
    "T3 full-width digit": "\uff120261123-001122",
    "T4 month 13": "20261301-000000",
    "T4 30 February": "20260230-000000",
    "T4 hour 24": "20260101-240000",
    "T4 second 60": "20260101-235960",
    "T4 short": "2026111-1112",
    "T4 year zero": "00000101-000000",
    "T5 nothing": "",
    "T5 129 characters": "2" * 129,
    "T5 leading dot": ".20260101-000000",
    "T5 leading dash": "-20260101-00000",
    "T5 dots": "..",
    "T16 NUL": "20260101-00000\0",
    "T16 right to left": "\u202e20260101-00000",
    "T16 ANSI": "\x1b[2J20260101-000",
    "T16 workflow command": "::add-mask::x",
    "T8 65,536 characters": "2" * 65_536,
}
RESERVED = {"T11 latest": "latest", "T11 sha256-": "sha256-" + "0" * 64, "T11 ours": "unverified"}
NAMES = {
    "T6 dot dot": "ghcr.io/acme/../evil",
    "T6 double slash": "ghcr.io/acme//evil",
    "T6 percent": "ghcr.io/acme/%2e%2e/evil",
    "T6 leading slash": "/acme/observer",
    "T7 upper case in the middle of nowhere": "ghcr.io/acme/obsérver",
    "T8 256 characters": "ghcr.io/" + "a" * 248,
    "T8 65,536 characters": "ghcr.io/" + "a/" * 32_764,
    "T9 user in the host": "user:secret@ghcr.io/acme/observer",
    "T9 port and path": "host:port/..@evil",
    "T9 a URL with a password": "https://user:secret@ghcr.io/acme/observer",
    "T9 a URL": "https://ghcr.io/acme/observer",
    "T9 no registry": "acme/observer",
    "T9 a tag": "ghcr.io/acme/observer:latest",
    "T9 a digest": f"ghcr.io/acme/observer@sha256:{'0' * 64}",
    "T16 newline": "ghcr.io/acme/observer\n",
    "T16 NUL": "ghcr.io/acme/obs\0erver",
    "T16 ANSI": "ghcr.io/acme/\x1b[2J",
    "T9 an option": "-oProxyCommand=id/acme",
}
DIGESTS = {
    "T10 word": "sha256:baddigest",
    "T10 upper case": "sha256:" + "A" * 64,
    "T10 63": "sha256:" + "a" * 63,
    "T10 65": "sha256:" + "a" * 65,
    "T10 sha512": "sha512:" + "a" * 128,
    "T10 newline": "sha256:" + "a" * 64 + "\n",
    "T10 other digits": "sha256:" + "٣" * 64,
}
PLATFORMS = {
    "T16 a command": "linux/$(id)",
    "T16 ANSI": "linux/\x1b[2J",
    "T16 one word": "linux",
    "T16 five": "a/b/c/d/e",
}


@dataclass(frozen=True)
class Kind:
    """One kind of input, and how it enters."""

    table: dict[str, str]
    enter: Callable[[str], object]
    errors: tuple[type[InputError], ...]


KINDS = (
    Kind(TAGS, publish, (TagInvalid,)),
    Kind(RESERVED, publish, (TagReserved,)),
    Kind(NAMES, image_flag, (NameInvalid, SettingsInvalid)),
    Kind(DIGESTS, verify_digest, (DigestInvalid,)),
    Kind(PLATFORMS, build_platform, (PlatformInvalid,)),
)


def refused(kind: Kind, text: str) -> InputError:
    """Enter it and hold the refusal against the promises."""
    run()  # imports are nobody's input
    spent_s = []
    for _ in range(3):  # the fastest counts
        begun = time.thread_time()
        with connections() as seen, pytest.raises(InputError) as caught:
            kind.enter(text)
        spent_s.append(time.thread_time() - begun)
    assert seen == [], "something was contacted"
    assert isinstance(caught.value, kind.errors)
    assert (caught.value.exit_class, caught.value.state) == (2, None)
    assert "S0, nothing was contacted" in str(caught.value)
    assert min(spent_s) < LIMIT_S, spent_s
    return caught.value


CASES = [
    pytest.param(kind, text, id=f"{kind.errors[0].__name__}: {name}")
    for kind in KINDS
    for name, text in kind.table.items()
]


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_bad_input_is_refused_at_once_and_shown_escaped(kind: Kind, text: str):
    error = refused(kind, text)
    shown = str(error).replace("\n", "")
    assert shown.isascii()
    assert shown.isprintable()
    assert "::" not in shown
    assert "secret" not in shown
    assert shown.count("  do: ") == 1
    assert len(shown) < 800


@given(text=st.text(max_size=300))
@settings(max_examples=150)
def test_any_text_is_read_or_refused_quickly(text: str):
    for parse in (lambda t: parse_release_tag(t, UTC), parse_repository, parse_digest):
        with connections() as seen:
            begun = time.thread_time()
            try:
                found = parse(text)
            except InputError as error:
                assert str(error).replace("\n", "").isascii()
                assert error.remedy
            else:
                assert str(found) == text
        assert time.thread_time() - begun < ONE_TRY_S
        assert seen == []


@given(text=st.text(max_size=400))
@settings(max_examples=150)
def test_any_settings_are_read_or_refused(text: str):
    for document in (text, f'image = "{text}"', f"{CI_TOML}\n{text}"):
        try:
            parse_settings(document, image="")
        except InputError as error:
            assert str(error).replace("\n", "").isprintable()
            assert error.remedy


def test_t3_the_strange_digit_is_named():
    with pytest.raises(TagInvalid, match=r"U\+0663"):
        parse_release_tag("2026112٣-001122", UTC)


def test_t7_an_owner_in_upper_case_is_lowered_or_refused_but_never_sent():
    """GitHub's own variable has the owner's capitals."""
    try:
        found = parse_settings(CI_TOML, image="ghcr.io/ACME/Observer")
    except InputError as error:
        assert "lower-case" in error.remedy
    else:
        assert str(found.repository) == "ghcr.io/acme/observer"


def test_the_platform_that_is_meant_is_read():
    assert str(parse_platform("linux/arm64")) == "linux/arm64"
