"""The way of one release, event by event, as far as it came."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ci.decisions.audit.findings import Audit, Step
from ci.decisions.audit.plan import DONE, OPEN


@dataclass(frozen=True, slots=True)
class Event:
    """One event: when it happened ("" where nobody knows), what, with what, and its state."""

    when: str
    what: str
    detail: str
    state: str


def events(audit: Audit) -> Iterator[Event]:
    """Tell the release from its tag to now."""
    workflow, git_tag, manifest, latest, running, healthy = audit.plan
    named = _at(audit.named) if audit.named else ""
    yield Event(named, "tag named", audit.tag or "no release", DONE if audit.tag else OPEN)
    yield _event("", "in git", git_tag)
    yield _event("", "workflow publishes it", workflow)
    yield _event("", "in the registry", manifest)
    yield _event("", "latest", latest)
    yield _event(_deployed(audit), "on the server", running)
    yield _event("", "healthy", healthy)
    yield Event(_at(audit.moment), "audited", "", DONE)


def _event(when: str, what: str, step: Step) -> Event:
    return Event(when, what, step.result, step.state)


def _deployed(audit: Audit) -> str:
    entries = audit.host.facts.ledger if audit.host else ()
    times = [entry.time for entry in entries if entry.tag == audit.tag]
    return times[-1].replace("T", " ").removesuffix("Z") if times else ""


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
