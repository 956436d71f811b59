"""The audit for programs: one JSON document, described by docs/report.schema.json."""

from datetime import datetime

from ci.decisions.audit.evidence import HostSeen, RegistrySeen, ReleaseRead
from ci.decisions.audit.findings import Audit, Finding, causes, roots
from ci.decisions.audit.releases import age_of, revision_of
from ci.decisions.audit.rules import Severity
from ci.decisions.audit.summary import headline

VERSION = 1


def audit_document(audit: Audit) -> dict[str, object]:
    """Everything that the audit knows; keys are only added in one version."""
    keys = tuple(audit.by_rule)
    root_of = causes(keys)
    return {
        "version": VERSION,
        "subject": audit.subject,
        "tag": audit.tag,
        "moment": audit.moment.isoformat(),
        "headline": headline(audit),
        "counts": {str(severity): audit.count(severity) for severity in Severity},
        "root_causes": [
            {"rule": head, "explains": list(following)} for head, following in roots(keys).items()
        ],
        "findings": [_finding(each, root_of) for each in audit.findings],
        "looked_at": list(audit.looked),
        "not_looked_at": [
            {"what": gap.what, "why": gap.why, "remedy": gap.remedy} for gap in audit.gaps
        ],
        "verification": [
            {"step": s.what, "command": s.command, "result": s.result, "state": s.state}
            for s in audit.plan
        ],
        "repeat": audit.repeat,
        "registry": _registry(audit.registry) if audit.registry else None,
        "host": _host(audit.host) if audit.host else None,
    }


def _finding(each: Finding, root_of: dict[str, str]) -> dict[str, object]:
    return {
        "rule": each.rule.id,
        "severity": str(each.rule.severity),
        "area": str(each.rule.area),
        "title": each.rule.title,
        "root_cause": root_of[each.rule.id],
        "subject": each.subject,
        "seen": each.seen,
        "path": each.path,
        "line": each.line,
        "command": each.quote.command,
        "output": each.quote.output,
    }


def _registry(seen: RegistrySeen) -> dict[str, object]:
    return {
        "repository": str(seen.repository),
        "clock": seen.now.isoformat(),
        "tags": len(seen.names),
        "latest": str(seen.latest) if seen.latest else None,
        "releases": [_release(each, seen.now) for each in seen.releases],
    }


def _release(each: ReleaseRead, now: datetime) -> dict[str, object]:
    images = each.tree.images if each.tree else ()
    return {
        "tag": str(each.tag),
        "age_s": int(age_of(each, now).total_seconds()),
        "digest": str(each.digest) if each.digest else None,
        "is_whole": each.is_whole,
        "revision": revision_of(each),
        "platforms": [str(image.platform) for image in images],
    }


def _host(seen: HostSeen) -> dict[str, object]:
    return {
        "address": seen.address,
        "service": seen.service,
        "running": seen.facts.running,
        "containers": [
            {"image": c.image, "status": c.status, "health": c.health} for c in seen.facts.service
        ],
        "ledger": [
            {"time": e.time, "tag": e.tag, "digest": str(e.digest)} for e in seen.facts.ledger
        ],
        "is_settled": seen.facts.is_settled,
        "health": [
            {"time": s.time, "is_well": s.is_well, "output": s.output} for s in seen.samples
        ],
    }
