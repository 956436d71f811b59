"""Rules about the registry: releases that are missing, broken, or not what they are called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from ci.decisions.audit.evidence import RegistrySeen, ReleaseRead, RepositorySeen
from ci.decisions.audit.findings import Finding, Quote, finding
from ci.decisions.labels import REVISION
from ci.decisions.tags import UNVERIFIED, is_from_future
from ci.decisions.tree import Expected, faults
from ci.errors import AmbiguousPlatform, LabelsDisagree, PlatformLie, PlatformMissing
from ci.oci.platform import Platform

_PLATFORM = (AmbiguousPlatform, PlatformLie, PlatformMissing)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What releases are held against."""

    platforms: tuple[Platform, ...]
    zone: tzinfo


def judge_releases(
    seen: RegistrySeen, repository: RepositorySeen, wanted: Wanted
) -> Iterator[Finding]:
    """Hold the registry against its rules, and against the git tags where they were seen."""
    yield from _missing(seen, repository)
    for release in seen.releases:
        commit = repository.commits.get(str(release.tag), "")
        yield from _release(seen, release, wanted, commit)
    yield from _latest(seen)
    if seen.stopped:
        what = f"{UNVERIFIED} holds {seen.stopped}, which has no tag"
        yield finding("CI209", seen.stopped, what, manifest(seen, str(UNVERIFIED), what))


def whole_releases(seen: RegistrySeen) -> Sequence[ReleaseRead]:
    """The releases that may be latest, the newest first."""
    found = [r for r in seen.releases if r.is_whole and not is_from_future(r.tag, seen.now)]
    return sorted(found, key=lambda release: str(release.tag), reverse=True)


def age_of(release: ReleaseRead, now: datetime) -> timedelta:
    """How long ago a release was named, by the registry's clock; 0 for one from the future."""
    return max(now - release.tag.moment.astimezone(UTC), timedelta())


def shown_age(age: timedelta) -> str:
    """An age for people, in its largest whole unit."""
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1))):
        if age >= 2 * length:
            return f"{age // length} {unit} old"
    return f"{age // timedelta(minutes=1)} minutes old"


def manifest(seen: RegistrySeen, name: str, output: str) -> Quote:
    """Quote what a tag answers."""
    return Quote(f"docker manifest inspect {seen.repository}:{name}", output)


def _missing(seen: RegistrySeen, repository: RepositorySeen) -> Iterator[Finding]:
    there = set(seen.names)
    for tag in repository.tags or ():
        if str(tag) not in there:
            quote = manifest(seen, str(tag), "manifest unknown")
            yield finding("CI201", str(tag), "manifest unknown", quote)


def _release(
    seen: RegistrySeen, release: ReleaseRead, wanted: Wanted, commit: str
) -> Iterator[Finding]:
    name = str(release.tag)
    if is_from_future(release.tag, seen.now):
        what = f"the registry's clock says {seen.now:%Y-%m-%d %H:%M:%S} UTC"
        yield finding("CI207", name, what, manifest(seen, name, str(release.digest)))
    if release.tree is None:
        yield finding("CI202", name, release.fault, manifest(seen, name, release.fault))
        return
    expected = Expected(wanted.platforms, name)
    for fault in dict.fromkeys(faults(release.tree, expected)):
        key = "CI202"
        if fault.error is LabelsDisagree:
            key = "CI205"
        elif fault.error in _PLATFORM:
            key = "CI206"
        quote = manifest(seen, name, f"{release.digest}\n{fault.text}")
        yield finding(key, name, fault.text, quote)
    yield from _commit(seen, release, commit)


def _commit(seen: RegistrySeen, release: ReleaseRead, commit: str) -> Iterator[Finding]:
    said = revision_of(release)
    if commit and said and said.removesuffix("-dirty") != commit:
        what = f"the image says {said}, the git tag {commit}"
        name = str(release.tag)
        yield finding("CI208", name, what, Quote(f"git rev-parse {name}^{{commit}}", commit))


def revision_of(release: ReleaseRead) -> str:
    """The commit that a release's first image names; "" where none does."""
    images = release.tree.images if release.tree else ()
    labels = next((image.config.labels for image in images if image.config), {})
    return labels.get(REVISION, "")


def _latest(seen: RegistrySeen) -> Iterator[Finding]:
    whole = whole_releases(seen)
    if not whole:
        if seen.latest:
            what = f"it holds {seen.latest}, and there is no whole release"
            yield finding("CI204", "latest", what, manifest(seen, "latest", str(seen.latest)))
        return
    top = whole[0]
    if seen.latest == top.digest:
        return
    if seen.latest is None:
        what, output = f"it is missing; the newest release is {top.tag}", "manifest unknown"
    else:
        holders = [str(each.tag) for each in seen.releases if each.digest == seen.latest]
        held = f"the release {holders[-1]}" if holders else "no release"
        what = f"it is {seen.latest}, {held}; the newest release {top.tag} is {top.digest}"
        output = str(seen.latest)
    yield finding("CI203", "latest", what, manifest(seen, "latest", output))
