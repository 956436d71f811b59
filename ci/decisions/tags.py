"""Release tags: minted from the clock, read in one zone, ordered, never from the future."""

import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ci.errors import ClockSkew, TagFromFuture, TagInvalid, TagReserved
from ci.oci.reference import Tag
from ci.oci.text import first_stranger, shown

LATEST = Tag("latest")
UNVERIFIED = Tag("unverified")
FUTURE_ALLOWANCE = timedelta(seconds=120)
SKEW_NOTED = timedelta(seconds=120)
SKEW_REFUSED = timedelta(hours=24)
_LENGTH = len("20260123-170510")
_SHAPE = re.compile(r"[0-9]{8}-[0-9]{6}", re.ASCII)
_FORMAT = "%Y%m%d-%H%M%S"
_REMEDY = "mint one: ./daggerw call tag"


@dataclass(frozen=True, slots=True)
class ReleaseTag:
    """``YYYYMMDD-HHMMSS`` and the moment it names."""

    tag: Tag
    moment: datetime

    def __str__(self) -> str:
        return self.tag.text


def mint_tag(now: datetime, zone: tzinfo) -> ReleaseTag:
    """Name this second in `zone`."""
    return parse_release_tag(now.astimezone(zone).strftime(_FORMAT), zone)


def parse_release_tag(text: str, zone: tzinfo) -> ReleaseTag:
    """Read a release tag.

    Raises:
        TagReserved: a tag that the pipeline or a registry moves itself.
        TagInvalid: another shape, or a date that does not exist.
    """
    if text in (LATEST.text, UNVERIFIED.text) or text.startswith("sha256-"):
        raise TagReserved(f"{shown(text)} is moved by the pipeline itself", remedy=_REMEDY)
    if not _SHAPE.fullmatch(text):
        raise TagInvalid(f"{shown(text)} {_fault(text)}", remedy=_REMEDY)
    try:
        moment = datetime.strptime(text, _FORMAT).replace(tzinfo=zone)
    except ValueError as error:
        raise TagInvalid(f"{shown(text)}: no such date or time", remedy=_REMEDY) from error
    if moment.second != int(text[-2:]):  # strptime knows leap seconds, tags do not
        raise TagInvalid(f"{shown(text)}: no such date or time", remedy=_REMEDY)
    return ReleaseTag(Tag(text), moment)


def newest(names: Iterable[str], zone: tzinfo, now: datetime) -> ReleaseTag | None:
    """Choose the newest release tag among a registry's tags, ignoring those from the future."""
    parsed = (_try_parse(name, zone) for name in names)
    found = [tag for tag in parsed if tag and not is_from_future(tag, now)]
    return max(found, key=lambda tag: tag.tag.text, default=None)


def is_from_future(tag: ReleaseTag, now: datetime) -> bool:
    """Whether the tag would keep every later release from becoming latest."""
    return tag.moment.astimezone(UTC) > now + FUTURE_ALLOWANCE


def check_time(tag: ReleaseTag, *, local: datetime, registry: datetime) -> str:
    """Hold the tag and this machine's clock against the registry's.

    Returns:
        a warning about this machine's clock, or "".
    Raises:
        TagFromFuture: the tag is later than the registry's clock.
        ClockSkew: the clocks are more than a day apart.
    """
    skew = local - registry
    if abs(skew) > SKEW_REFUSED:
        raise ClockSkew(
            f"this machine's clock says {_iso(local)}, the registry's {_iso(registry)}",
            remedy="set this machine's clock, then run again",
        )
    if is_from_future(tag, registry):
        raise TagFromFuture(
            f"{tag} is later than the registry's clock, {_iso(registry)};"
            " it would keep later releases from becoming latest",
            remedy="mint a tag from the clock: ./daggerw call tag",
        )
    if abs(skew) > SKEW_NOTED:
        return f"this machine's clock is {skew.total_seconds():+.0f} s off the registry's"
    return ""


def _try_parse(text: str, zone: tzinfo) -> ReleaseTag | None:
    try:
        return parse_release_tag(text, zone)
    except (TagInvalid, TagReserved):
        return None


def _fault(text: str) -> str:
    if stranger := first_stranger(text, string.digits + "-"):
        return f"is no YYYYMMDD-HHMMSS: it holds {stranger}"
    if len(text) != _LENGTH:
        return f"is no YYYYMMDD-HHMMSS: it has {len(text)} characters, not {_LENGTH}"
    return "is no YYYYMMDD-HHMMSS"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
