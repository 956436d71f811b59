"""The audit as a report to be read: problem, evidence, root cause, fix, verification, gaps."""

from collections.abc import Iterator

from ci.decisions.audit.escape import code_block, code_span, one_line, prose
from ci.decisions.audit.findings import Audit, Finding, roots
from ci.decisions.audit.fixes import fix_of
from ci.decisions.audit.rules import RULES
from ci.decisions.audit.summary import headline, repeat_note

LISTED = 12
_MARKS = {"done": "✔ done", "failed": "✘ failed", "open": "… open"}


def render_markdown(audit: Audit) -> str:
    """Write report.md."""
    sections = (
        _head(audit),
        _problem(audit),
        _evidence(audit),
        _cause(audit),
        _fixes(audit),
        _plan(audit),
        _looked(audit),
        _repeat(audit),
    )
    return "\n\n".join("\n".join(section) for section in map(tuple, sections) if section) + "\n"


def _head(audit: Audit) -> Iterator[str]:
    yield f"# Audit of {code_span(audit.subject)}"
    yield ""
    release = f"; the release is {code_span(audit.tag)}" if audit.tag else ""
    yield f"{audit.moment:%Y-%m-%d %H:%M:%S} UTC{release}. **{headline(audit)}**"


def _problem(audit: Audit) -> Iterator[str]:
    yield "## Problem"
    yield ""
    if not audit.by_rule:
        yield "None was found in what was looked at."
        return
    yield "| rule | | what | where |"
    yield "| --- | --- | --- | --- |"
    for key, found in audit.by_rule.items():
        rule = RULES[key]
        yield f"| {key} | {rule.severity} | {rule.title} | {_subjects(found)} |"


def _subjects(found: tuple[Finding, ...]) -> str:
    subjects = list(dict.fromkeys(each.subject for each in found))
    more = f" and {len(subjects) - 3} more" if len(subjects) > 3 else ""
    return ", ".join(code_span(text, 60) for text in subjects[:3]) + more


def _evidence(audit: Audit) -> Iterator[str]:
    if not audit.by_rule:
        return
    yield "## Evidence"
    yield ""
    yield "The commands are those by which a reader sees the same; their output is what was seen."
    for key, found in audit.by_rule.items():
        yield ""
        yield f"### {key}: {RULES[key].title}"
        for each in found[:LISTED]:
            yield ""
            yield f"{code_span(each.subject)}: {prose(each.seen)}"
            yield ""
            yield code_block(f"$ {one_line(each.quote.command)}\n{each.quote.output}")
        if len(found) > LISTED:
            yield ""
            yield f"The same {len(found) - LISTED} times more; report.json lists them all."


def _cause(audit: Audit) -> Iterator[str]:
    if not audit.by_rule:
        return
    yield "## Root cause"
    yield ""
    for head, following in roots(tuple(audit.by_rule)).items():
        first = audit.by_rule[head][0]
        yield f"- **{head}: {RULES[head].title}.** {prose(first.seen)}"
        for key in following:
            yield f"  - from it follows {key}: {RULES[key].title}"


def _fixes(audit: Audit) -> Iterator[str]:
    if not audit.by_rule:
        return
    yield "## Minimal fix"
    yield ""
    heads = list(roots(tuple(audit.by_rule)))
    for key in heads:
        words, path, text = fix_of(key)
        place = f" ({code_span(path)})" if path else ""
        yield f"- {key}: {words}{place}"
        if text:
            yield ""
            yield code_block(text.rstrip(), "yaml")
            yield ""


def _plan(audit: Audit) -> Iterator[str]:
    yield "## Verification plan"
    yield ""
    yield "| | step | command | result |"
    yield "| --- | --- | --- | --- |"
    for step in audit.plan:
        result = prose(step.result, 200)
        yield f"| {_MARKS[step.state]} | {step.what} | {code_span(step.command)} | {result} |"


def _looked(audit: Audit) -> Iterator[str]:
    yield "## What was looked at"
    yield ""
    for text in audit.looked:
        yield f"- {prose(text)}"
    for gap in audit.gaps:
        what, why, remedy = prose(gap.what), prose(gap.why), prose(gap.remedy)
        yield f"- **not looked at: {what}.** {why}. To do: {remedy}"


def _repeat(audit: Audit) -> Iterator[str]:
    if not audit.repeat:
        return
    yield "## The failed stage again, on a laptop"
    yield ""
    yield repeat_note(audit)
    yield ""
    yield code_block(audit.repeat, "sh")
