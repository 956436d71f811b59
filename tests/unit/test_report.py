"""Errors in three lines, and results for people and for programs."""

import json
from datetime import UTC

import pytest

from ci import errors
from ci.decisions.render import render_size, render_table
from ci.decisions.report import Format, parse_format, render_published, render_verified
from ci.decisions.tags import parse_release_tag
from ci.decisions.tree import Image, Tree
from ci.errors import PipelineError, SettingsInvalid, State, TagInvalid, TagMissing, reached
from ci.oci.descriptor import Descriptor
from ci.oci.digest import digest_of
from ci.oci.manifest import ImageConfig
from ci.oci.platform import parse_platform
from ci.oci.reference import Reference, parse_repository

ERRORS = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, PipelineError)
]
REFERENCE = Reference(
    parse_repository("localhost:5000/acme/observer"),
    parse_release_tag("20260123-170510", UTC).tag,
    digest_of(b"index"),
)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_three_lines_with_a_code_and_an_exit_class(error):
    lines = str(error("seen", remedy="run x", state=State.S1)).splitlines()
    assert lines == [f"{error.__name__}: seen", "  now: S1, no release tag moved", "  do: run x"]
    assert error.exit_class in (2, 3, 4, 5, 6, 8, 12)
    assert error.__doc__


@pytest.mark.parametrize("count", [0, 3, 40])
def test_the_last_lines_of_an_error_say_what_it_is_however_long_its_output(count):
    output = "".join(f"\n    line {at}" for at in range(count))
    lines = str(TagInvalid(f"the build failed:{output}", remedy="run x")).splitlines()
    assert lines[0] == "TagInvalid: the build failed:"
    assert any("TagInvalid" in line and "the build failed" in line for line in lines[-12:])
    assert lines[-1] == "  do: run x"


def test_bad_input_says_that_nothing_was_contacted():
    assert "now: S0, nothing was contacted" in str(TagInvalid("x", remedy="y"))


def test_the_innermost_state_is_kept():
    with pytest.raises(TagMissing) as caught, reached(State.S1), reached(State.S6):
        raise TagMissing("x", remedy="y")
    assert caught.value.state is State.S6


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (45_600_000, "45.6 MB"),
        (10**16, "10000 TB"),
    ],
)
def test_a_size_is_short(size, text):
    assert render_size(size) == text


def test_columns_are_aligned_without_trailing_blanks():
    assert render_table([["a", "bb", ""], ["ccc", "d", "e"]]) == "a    bb\nccc  d   e"
    assert render_table([]) == ""


@pytest.mark.parametrize("text", ["", "yaml", "JSON", "table\n"])
def test_another_format_is_refused(text):
    with pytest.raises(SettingsInvalid):
        parse_format(text)


def test_a_publication_is_its_reference_alone():
    assert render_published(REFERENCE, "20260123-170510", "build", Format.TABLE) == str(REFERENCE)


def test_a_publication_as_json_names_every_part():
    found = json.loads(render_published(REFERENCE, "20260123-170510", "build", Format.JSON))
    assert found == {
        "reference": str(REFERENCE),
        "tag": "20260123-170510",
        "digest": str(digest_of(b"index")),
        "latest": "20260123-170510",
        "begun_from": "build",
    }


def a_tree():
    platform = parse_platform("linux/amd64")
    layer = Descriptor("layer", digest_of(b"layer"), 45_600_000)
    manifest = Descriptor("manifest", digest_of(b"manifest"), 10, platform)
    image = Image(manifest, ImageConfig(platform, {}, 1), (layer,))
    return Tree(digest_of(b"index"), (image,), (digest_of(b"attestation"),))


def test_a_verification_is_one_line_for_each_thing_looked_at():
    lines = render_verified(
        REFERENCE, a_tree(), "abc", "20260123-170510", Format.TABLE
    ).splitlines()
    assert [line.split()[0] for line in lines if line] == [
        "WHAT",
        "20260123-170510",
        "linux/amd64",
        "attestation",
        "revision",
        "latest",
        str(REFERENCE),
    ]
    assert lines[1].endswith(f"  {str(digest_of(b'index'))[:19]}…  resolves, read twice")
    assert "1 layers, 45.6 MB" in lines[2]


def test_a_table_fits_80_columns_and_ends_with_the_whole_reference():
    platform = parse_platform("linux/arm/v7")
    layers = tuple(Descriptor("layer", digest_of(bytes([at])), 10**11) for at in range(127))
    manifest = Descriptor("manifest", digest_of(b"manifest"), 10, platform)
    tree = Tree(digest_of(b"index"), (Image(manifest, ImageConfig(platform, {}, 1), layers),))
    table, _, last = render_verified(
        REFERENCE, tree, f"{'a' * 40}-dirty", "20260123-170510", Format.TABLE
    ).rpartition("\n")
    assert max(map(len, table.splitlines())) <= 80
    assert f"{'a' * 12}…-dirty" in table
    assert last == str(REFERENCE)


def test_what_an_image_says_of_itself_cannot_steer_a_terminal():
    table = render_verified(REFERENCE, a_tree(), "\x1b[2J\n::error::", "x", Format.TABLE)
    assert "\x1b" not in table
    assert "::error" not in table
    assert len(table.splitlines()) == 8


def test_a_verification_as_json_names_every_digest():
    found = json.loads(render_verified(REFERENCE, a_tree(), "abc", "x", Format.JSON))
    assert found["images"][0]["layers"] == [str(digest_of(b"layer"))]
    assert (found["revision"], found["latest"]) == ("abc", "x")
