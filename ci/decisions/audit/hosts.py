"""Rules about the host: what runs there, held against the registry and the ledger."""

from collections.abc import Iterator, Mapping

from ci.decisions.audit.evidence import HostSeen, RegistrySeen, ReleaseRead
from ci.decisions.audit.findings import Finding, Quote, finding
from ci.decisions.audit.releases import whole_releases
from ci.decisions.drift import find_drift
from ci.decisions.ledger import Entry, running_entry
from ci.decisions.server_facts import Running

_INSPECT = "docker inspect --format '{{.Image}} {{.State.Status}} {{.Config.Image}}'"
_NO_CHECK = ("", "none", "-")


def judge_host(seen: HostSeen, registry: RegistrySeen | None) -> Iterator[Finding]:
    """Hold the host against its rules, and against the registry where that was seen."""
    yield from _journal(seen)
    yield from _drift(seen)
    running = [each for each in seen.facts.service if each.status == "running"]
    if not running:
        yield from _down(seen)
    for each in running:
        yield from _health(seen, each)
        yield from _ledger(seen, each)
        if registry:
            yield from _image(seen, each, registry)


def release_of(container: Running, registry: RegistrySeen) -> ReleaseRead | None:
    """Which release a container really runs, by the digests that its Docker names."""
    names = {container.image, container.manifest} - {""}
    found = [each for each in registry.releases if names & digests_of(each)]
    return found[-1] if found else None


def digests_of(release: ReleaseRead) -> set[str]:
    """Every name that a server's Docker may give to a release's image."""
    images = release.tree.images if release.tree else ()
    found = {str(image.descriptor.digest) for image in images}
    found |= {str(image.config_digest) for image in images if image.config_digest}
    return found | {str(release.digest)}


def _journal(seen: HostSeen) -> Iterator[Finding]:
    if seen.facts.is_settled or seen.facts.holder:
        return
    state = seen.facts.journal.get("state", "")
    quote = Quote(f"cat {seen.directory}/.ci/journal", _lines(seen.facts.journal))
    what = f"the journal ends at {state}, and nobody is at work"
    yield finding("CI305", seen.address, what, quote)


def _drift(seen: HostSeen) -> Iterator[Finding]:
    ledger = seen.facts.ledger
    if not ledger:
        return
    for each in find_drift(seen.facts, ledger[-1].compose):
        quote = Quote(f"sha256sum {seen.directory}/{each.path}", each.why)
        yield finding("CI307", each.path, each.why, quote)


def _down(seen: HostSeen) -> Iterator[Finding]:
    there = [f"{each.status} {each.reference}" for each in seen.facts.service]
    quote = Quote("docker ps --all --no-trunc", "\n".join(there) or "no container of the service")
    yield finding("CI308", seen.service, there[0] if there else "there is no container", quote)


def _health(seen: HostSeen, container: Running) -> Iterator[Finding]:
    if container.health in _NO_CHECK:
        what = "Docker knows no health check for it"
        yield finding("CI306", seen.service, what, _inspected(container))
    elif container.health != "healthy":
        said = seen.samples[-1].output if seen.samples else ""
        yield finding("CI303", seen.service, f"{container.health}: {said}", _inspected(container))


def _ledger(seen: HostSeen, container: Running) -> Iterator[Finding]:
    ledger = seen.facts.ledger
    quote = Quote(f"tail -n 1 {seen.directory}/.ci/ledger", _line(ledger[-1]) if ledger else "")
    if not ledger:
        what = f"{container.reference} runs, and no deploy has proven it"
        yield finding("CI304", seen.service, what, quote)
    elif ledger[-1].reference != container.reference:
        known = running_entry(ledger, container.reference)
        since = f", proven at {known.time}" if known else ", which was never proven"
        what = f"{container.reference} runs{since}; the last proof is of {ledger[-1].tag}"
        yield finding("CI304", seen.service, what, quote)


def _image(seen: HostSeen, container: Running, registry: RegistrySeen) -> Iterator[Finding]:
    release = release_of(container, registry)
    if release is None:
        what = f"{container.image} is of no release in the registry"
        yield finding("CI301", container.reference, what, _inspected(container))
    elif not _is_named(container, release):
        what = f"it runs {release.tag}, and calls itself {container.reference}"
        yield finding("CI302", seen.service, what, _inspected(container))
    whole = whole_releases(registry)
    if release and whole and str(whole[0].tag) > str(release.tag):
        what = f"{release.tag} runs; the newest is {whole[0].tag}"
        yield finding("CI309", seen.service, what, _inspected(container))


def _is_named(container: Running, release: ReleaseRead) -> bool:
    """Whether what the container calls its image leads to this release."""
    _, _, digest = container.reference.partition("@")
    tag = container.reference.rpartition("/")[2].partition("@")[0].partition(":")[2]
    if digest:
        return digest in digests_of(release)
    return tag in ("", "latest", str(release.tag))


def _inspected(container: Running) -> Quote:
    said = f"{container.image} {container.status} {container.reference}"
    return Quote(f"{_INSPECT} {container.id[:12]}", said)


def _line(entry: Entry) -> str:
    return f"{entry.time} {entry.tag} {entry.reference}"


def _lines(journal: Mapping[str, str]) -> str:
    return "\n".join(f"{key} {value}" for key, value in journal.items())
