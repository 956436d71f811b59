"""Bringing everything that was seen together to one audit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ci.decisions.audit.evidence import HostSeen, RegistrySeen, RepositorySeen
from ci.decisions.audit.findings import Audit, Finding, Gap
from ci.decisions.audit.habits import judge_habits
from ci.decisions.audit.hosts import judge_host
from ci.decisions.audit.paths import judge_paths
from ci.decisions.audit.plan import Sight, verification_plan
from ci.decisions.audit.reach import look_at
from ci.decisions.audit.releases import Wanted, judge_releases
from ci.decisions.audit.workflow import parse_workflows
from ci.decisions.tags import ReleaseTag, mint_tag


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at; None and a gap where it could not be."""

    repository: RepositorySeen
    registry: RegistrySeen | None
    host: HostSeen | None
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What the audit was asked.

    `subject` is the image's registry/repository, `tag` the release of interest or None.
    """

    subject: str
    tag: ReleaseTag | None
    moment: datetime
    wanted: Wanted
    repeat: str = ""


def judge(question: Question, seen: Seen) -> Audit:
    """Hold everything that was seen against the rules."""
    tag = question.tag or newest_tag(seen)
    found = tuple(dict.fromkeys(_findings(question, seen, tag)))
    name = str(tag) if tag else ""
    return Audit(
        subject=question.subject,
        tag=name,
        named=tag.moment if tag else None,
        moment=question.moment,
        findings=found,
        looked=tuple(_looked(seen)),
        gaps=seen.gaps,
        plan=tuple(
            verification_plan(
                Sight(question.subject, name, seen.repository, seen.registry, seen.host), found
            )
        ),
        repeat=question.repeat,
        registry=seen.registry,
        host=seen.host,
    )


def _findings(question: Question, seen: Seen, tag: ReleaseTag | None) -> Iterator[Finding]:
    if seen.repository.files is not None:
        minted = mint_tag(question.moment, question.wanted.zone)
        tags = [str(each) for each in (minted, tag) if each]
        workflows, broken = parse_workflows(seen.repository.files)
        known = look_at(workflows, broken, tags)
        yield from judge_paths(known)
        yield from judge_habits(known)
    if seen.registry:
        yield from judge_releases(seen.registry, seen.repository, question.wanted)
    if seen.host:
        yield from judge_host(seen.host, seen.registry)


def newest_tag(seen: Seen) -> ReleaseTag | None:
    """The newest release that git or the registry knows."""
    tags = list(seen.repository.tags or ())
    tags += [each.tag for each in seen.registry.releases] if seen.registry else []
    return max(tags, key=str, default=None)


def _looked(seen: Seen) -> Iterator[str]:
    if seen.repository.files is not None:
        yield f"repository: {len(seen.repository.files)} files of workflows and actions"
    if seen.repository.tags is not None:
        yield f"git: {len(seen.repository.tags)} release tags"
    if seen.registry:
        yield (
            f"registry: {len(seen.registry.names)} tags,"
            f" {len(seen.registry.releases)} of them releases, each read to its layers"
        )
    if seen.host:
        host = seen.host
        yield (
            f"host: {host.address}, {len(host.facts.service)} containers of {host.service},"
            f" {len(host.facts.ledger)} proofs in the ledger"
        )
