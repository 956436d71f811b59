"""ci.toml: defaults, overrides, and every fault at once."""

import tomllib
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import SettingsInvalid
from ci.oci.platform import parse_platform
from ci.settings import parse_settings

ROOT = Path(__file__).parents[2]
MINIMAL = 'image = "ghcr.io/acme/observer"'


def test_this_repositorys_own_file_is_read():
    found = parse_settings((ROOT / "ci.toml").read_text())
    assert (ROOT / found.build.context / found.build.dockerfile).is_file()
    assert [str(platform) for platform in found.build.platforms] == ["linux/amd64", "linux/arm64"]
    assert found.build.derived == ("wheelhouse",)


def test_one_line_is_enough():
    found = parse_settings(MINIMAL)
    assert str(found.repository) == "ghcr.io/acme/observer"
    assert found.build.context == "."
    assert found.build.platforms == (parse_platform("linux/amd64"),)
    assert (found.check.path, found.check.port, found.zone) == ("/health", 8000, UTC)


def test_the_flag_overrides_the_file():
    found = parse_settings(MINIMAL, image="localhost:5000/acme/observer")
    assert str(found.repository) == "localhost:5000/acme/observer"
    assert str(parse_settings("", image="ghcr.io/a/b").repository) == "ghcr.io/a/b"


def test_a_zone_is_read():
    assert parse_settings(f'{MINIMAL}\n[tags]\nzone="Asia/Seoul"').zone == ZoneInfo("Asia/Seoul")


def test_every_fault_is_told_at_once_with_its_key():
    text = """
image = "Acme"
colour = "red"
[build]
context = "../outside"
platforms = ["linux"]
taget = "release"
[build.args]
TAG = "x"
OK = "y"
[check]
port = 0
timeout_s = -1
path = "health"
[tags]
zone = "Mars/Olympus"
"""
    with pytest.raises(SettingsInvalid) as caught:
        parse_settings(text)
    for key in (
        "image:",
        "'colour': unknown",
        "build.context:",
        "build.platforms:",
        "build.'taget': unknown; known are args, context",
        "build.args.TAG:",
        "check.port:",
        "check.timeout_s:",
        "check.path:",
        "tags.zone:",
    ):
        assert key in caught.value.cause
    assert "OK" not in caught.value.cause


@pytest.mark.parametrize(
    "image",
    ["evil.example/acme/observer", "GHCR.io/acme/observer", "ghcr.io/a:tag", "observer"],
)
def test_a_flag_for_an_unknown_registry_or_a_bad_name_is_refused(image):
    with pytest.raises(SettingsInvalid, match="--image"):
        parse_settings(MINIMAL, image=image)


@pytest.mark.parametrize("text", ["", 'image = "ghcr.io/Acme/Observer"'])
def test_an_owner_in_upper_case_is_written_in_lower_case_and_it_is_said(text):
    """`github.repository` keeps the case that the owner was registered with."""
    found = parse_settings(text, image="" if text else "ghcr.io/Acme/Observer")
    assert str(found.repository) == "ghcr.io/acme/observer"
    (note,) = found.notes
    assert "'ghcr.io/Acme/Observer'" in note
    assert "ghcr.io/acme/observer" in note


def test_what_is_overridden_is_not_spoken_of():
    found = parse_settings('image = "ghcr.io/Acme/a"', image="ghcr.io/acme/observer")
    assert found.notes == ()
    assert parse_settings(MINIMAL).notes == ()


@pytest.mark.parametrize("path", ["\u0130", "\u212a", "\u00c4"])
def test_letters_beyond_ascii_are_refused_not_lowered(path):
    with pytest.raises(SettingsInvalid):
        parse_settings(f'image = "ghcr.io/{path}"')


def test_the_files_own_registry_is_allowed():
    text = 'image = "registry.acme.test/a"'
    assert parse_settings(text, image="registry.acme.test/b").repository.path == "b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image =",
        "image = 1",
        "build = 1\n" + MINIMAL,
        MINIMAL + '\nsource = "http://a/b"',
        MINIMAL + '\nsource = "https://user:pw@a/b"',
        MINIMAL + "\n[build]\nplatforms = []",
        MINIMAL + '\n[build]\nplatforms = ["linux/arm64", "linux/arm64/v8"]',
        MINIMAL + '\n[build]\nderived = "x"',
        MINIMAL + '\n[build]\nderived = ["/abs"]',
        MINIMAL + '\n[build]\ncontext = "a/../../b"',
        MINIMAL + '\n[build]\ntarget = "$(id)"',
        MINIMAL + "\n[build]\nmax_files = 0",
        MINIMAL + "\n[build]\nmax_size_mib = true",
        MINIMAL + '\n[build]\nsend_anyway = ["../key"]',
        MINIMAL + "\n[check]\nport = true",
        MINIMAL + "\n[check]\ntimeout_s = 1e9",
        MINIMAL + '\n[tags]\nzone = "../../etc/passwd"',
    ],
)
def test_bad_settings_are_refused(text):
    with pytest.raises(SettingsInvalid):
        parse_settings(text)


@given(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.booleans(), max_size=3))
def test_any_build_table_is_read_or_refused(values):
    lines = [f"{key!a} = {value!a}" for key, value in values.items()]
    text = "\n".join([MINIMAL, "[build]", *lines])
    try:
        tomllib.loads(text)
        parse_settings(text)
    except (SettingsInvalid, tomllib.TOMLDecodeError):
        pass
