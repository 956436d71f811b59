"""Release tags: minting, reading, order, and the registry's clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.tags import (
    check_time,
    mint_tag,
    newest,
    parse_release_tag,
)
from ci.errors import ClockSkew, PipelineError, TagFromFuture, TagInvalid, TagReserved

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")

BAD = {
    "empty": "",
    "newline at end": "20261123-001122\n",
    "Arabic-Indic digits": "2026112\u0663-001122",
    "month 13": "20261301-000000",
    "30 February": "20260230-000000",
    "hour 24": "20260101-240000",
    "second 60": "20260101-000060",
    "second 61": "20260101-000061",
    "day 0": "20260100-000000",
    "year 0": "00000101-000000",
    "short": "2026111-1112",
    "long": "20261123-0011223",
    "no dash": "20261123001122",
    "shell": "$(date)",
    "spaces": " 20261123-001122",
    "version": "v1.2.3",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_is_no_release_tag_is_refused(text):
    with pytest.raises(TagInvalid) as caught:
        parse_release_tag(text, UTC)
    assert str(caught.value).isascii()


def test_the_foreign_digit_is_named():
    with pytest.raises(TagInvalid, match=r"U\+0662"):
        parse_release_tag("2026112\u0662-001122", UTC)


@pytest.mark.parametrize("text", ["latest", "unverified", "sha256-" + "0" * 64])
def test_tags_that_are_moved_by_machines_are_reserved(text):
    with pytest.raises(TagReserved):
        parse_release_tag(text, UTC)


@given(st.datetimes(datetime(2000, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_a_minted_tag_names_its_second(moment):
    tag = mint_tag(moment, UTC)
    assert tag.moment == moment.replace(microsecond=0)
    assert parse_release_tag(str(tag), UTC) == tag


@given(st.text())
def test_any_text_is_a_release_tag_or_refused(text):
    try:
        assert str(parse_release_tag(text, UTC)) == text
    except PipelineError as error:
        assert error.exit_class == 2


def test_the_zone_decides_what_a_tag_says():
    assert str(mint_tag(NOW, UTC)) == "20261123-120000"
    assert str(mint_tag(NOW, SEOUL)) == "20261123-210000"
    assert parse_release_tag("20261123-210000", SEOUL).moment == NOW


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/New_York", "Asia/Kathmandu"])
def test_the_machines_own_zone_does_not_matter(zone):
    assert str(mint_tag(NOW.astimezone(ZoneInfo(zone)), UTC)) == "20261123-120000"


def test_the_newest_of_a_registrys_tags_is_chosen():
    names = ["latest", "unverified", "v9", "20260101-000000", "20261123-115959", "20261123-115958"]
    assert str(newest(names, UTC, NOW)) == "20261123-115959"


def test_a_tag_from_the_future_does_not_block_later_ones():
    assert str(newest(["20270101-000000", "20260101-000000"], UTC, NOW)) == "20260101-000000"


def test_a_registry_without_release_tags_has_no_newest():
    assert newest(["latest", "20261399-000000"], UTC, NOW) is None


def at(seconds):
    return mint_tag(NOW + timedelta(seconds=seconds), UTC)


@pytest.mark.parametrize("seconds", [-86400, 0, 119, 120])
def test_a_tag_up_to_two_minutes_ahead_is_accepted(seconds):
    assert check_time(at(seconds), local=NOW, registry=NOW) == ""


def test_a_tag_further_ahead_is_refused():
    with pytest.raises(TagFromFuture):
        check_time(at(121), local=NOW, registry=NOW)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_clock_that_is_off_is_told(seconds):
    warning = check_time(at(-7200), local=NOW + timedelta(seconds=seconds), registry=NOW)
    assert f"{seconds:+d} s" in warning


@pytest.mark.parametrize("days", [-2, 2])
def test_a_clock_that_is_a_day_off_is_refused(days):
    with pytest.raises(ClockSkew):
        check_time(at(0), local=NOW + timedelta(days=days), registry=NOW)
