"""The verification plan: what proves a release, with what was seen of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ci.decisions.audit.evidence import HostSeen, RegistrySeen, ReleaseRead, RepositorySeen
from ci.decisions.audit.findings import Finding, Step
from ci.decisions.audit.hosts import release_of
from ci.decisions.audit.releases import age_of, shown_age

DONE, FAILED, OPEN = "done", "failed", "open"
_UNSEEN = "not looked at"
_NO_WAY = ("CI101", "CI102", "CI103", "CI117")


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen, and of which release the plan is; `tag` is "" where there is none at all."""

    subject: str
    tag: str
    repository: RepositorySeen
    registry: RegistrySeen | None
    host: HostSeen | None


def verification_plan(sight: Sight, findings: Sequence[Finding]) -> Iterator[Step]:
    """Write the plan for one release, its results filled in."""
    tag = sight.tag or "TAG"
    yield _workflow(sight, findings)
    yield _git_tag(sight, tag)
    yield _manifest(sight, tag)
    yield _latest(sight)
    yield _host(sight)
    yield _health(sight)


def _workflow(sight: Sight, findings: Sequence[Finding]) -> Step:
    what, command = "a pushed release tag reaches a step that publishes", "./daggerw call audit"
    if sight.repository.files is None:
        return Step(what, command, _UNSEEN, OPEN)
    broken = [each for each in findings if each.rule.id in _NO_WAY]
    if broken:
        return Step(what, command, f"no: {broken[0].rule.id}, {broken[0].seen}", FAILED)
    if any(each.rule.id == "CI118" for each in findings):
        return Step(what, command, "a step that cannot be read may publish (CI118)", OPEN)
    return Step(what, command, "yes", DONE)


def _git_tag(sight: Sight, tag: str) -> Step:
    what, command = "the tag is in the repository", f"git tag --list {tag}"
    if sight.repository.tags is None:
        return Step(what, command, _UNSEEN, OPEN)
    is_there = any(str(each) == sight.tag for each in sight.repository.tags)
    return Step(what, command, sight.tag if is_there else "no such tag", DONE if is_there else OPEN)


def _manifest(sight: Sight, tag: str) -> Step:
    what = "the tag's manifest returns a digest, and everything that it leads to is there"
    command = f"docker manifest inspect {sight.subject}:{tag}"
    if sight.registry is None:
        return Step(what, command, _UNSEEN, OPEN)
    release = _release(sight.registry, sight.tag)
    if release is None:
        return Step(what, command, "manifest unknown", FAILED)
    if not release.is_whole:
        return Step(what, command, f"{release.digest}, and parts are missing", FAILED)
    return Step(what, command, str(release.digest), DONE)


def _latest(sight: Sight) -> Step:
    what = "latest returns the newest release's digest"
    command = f"docker manifest inspect {sight.subject}:latest"
    if sight.registry is None:
        return Step(what, command, _UNSEEN, OPEN)
    latest = sight.registry.latest
    if latest is None:
        return Step(what, command, "manifest unknown", FAILED)
    holders = [each for each in sight.registry.releases if each.digest == latest]
    if not holders:
        return Step(what, command, f"{latest}, which is no release", FAILED)
    held = holders[-1]
    state = DONE if str(held.tag) == max(map(str, _tags(sight.registry))) else FAILED
    age = shown_age(age_of(held, sight.registry.now))
    return Step(what, command, f"{latest}, which is {held.tag}, {age}", state)


def _host(sight: Sight) -> Step:
    what, command = "on the server, docker ps shows that image running", "docker ps --no-trunc"
    if sight.host is None:
        return Step(what, command, _UNSEEN, OPEN)
    running = [each for each in sight.host.facts.service if each.status == "running"]
    if not running:
        return Step(what, command, "the service does not run", FAILED)
    release = release_of(running[0], sight.registry) if sight.registry else None
    if release is None:
        state = FAILED if sight.registry else OPEN
        return Step(what, command, f"{running[0].reference} runs", state)
    state = DONE if str(release.tag) == sight.tag else FAILED
    return Step(what, command, f"{release.tag} runs, by its image {running[0].image}", state)


def _health(sight: Sight) -> Step:
    what = "the service is healthy"
    command = "docker inspect --format '{{json .State.Health}}'"
    if sight.host is None or not sight.host.facts.service:
        return Step(what, command, _UNSEEN, OPEN)
    health = sight.host.facts.service[0].health
    return Step(what, command, health, DONE if health == "healthy" else FAILED)


def _tags(registry: RegistrySeen) -> list[str]:
    return [str(each.tag) for each in registry.releases if each.is_whole] or [""]


def _release(registry: RegistrySeen, tag: str) -> ReleaseRead | None:
    return next((each for each in registry.releases if str(each.tag) == tag), None)
