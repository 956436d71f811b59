"""The audit as one page: self-contained, without scripts, nothing loaded."""

import html
from collections.abc import Iterable, Iterator

from ci.decisions.audit.findings import Audit, roots
from ci.decisions.audit.fixes import fix_of
from ci.decisions.audit.page_parts import (
    columns,
    digests,
    evidence,
    looked,
    pill,
    service,
    text_of,
    words_of,
)
from ci.decisions.audit.page_style import STYLE
from ci.decisions.audit.rules import RULES, Severity
from ci.decisions.audit.summary import repeat_note
from ci.decisions.audit.timeline import events

_MARKS = {"done": "✔ done", "failed": "✘ failed", "open": "… open"}
# Nothing may be loaded or run, whatever stands in the evidence.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render_page(audit: Audit) -> str:
    """Write report.html."""
    title = f"Audit of {text_of(audit.subject)}"
    parts = [
        f"<header><h1>{title}</h1>{_head(audit)}</header>",
        _section("The release", _timeline(audit)),
        _section("Root causes", _causes(audit)),
        _section("Verification", _plan(audit)),
        _section("Releases and digests", digests(audit.registry)) if audit.registry else "",
        _section("The service", service(audit.host)) if audit.host else "",
        _section("Evidence", evidence(audit)),
        _section("Looked at", looked(audit)),
        _section("The failed stage again, on a laptop", _repeat(audit)) if audit.repeat else "",
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _section(title: str, parts: Iterable[str]) -> str:
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def _head(audit: Audit) -> str:
    pills = [
        pill(
            str(severity), f"{audit.count(severity)} {severity}{'s' * (audit.count(severity) > 1)}"
        )
        for severity in Severity
        if audit.count(severity)
    ] or [pill("done", "No finding")]
    if audit.gaps:
        pills.append(pill("open", f"{len(audit.gaps)} not looked at"))
    release = f", release <code>{text_of(audit.tag)}</code>" if audit.tag else ""
    when = f"{audit.moment:%Y-%m-%d %H:%M:%S} UTC{release}"
    return f'<div class="dim">{when}</div><div class="verdict">{"".join(pills)}</div>'


def _timeline(audit: Audit) -> Iterator[str]:
    yield '<ol class="timeline">'
    for event in events(audit):
        when = f"<time>{text_of(event.when)}</time>" if event.when else ""
        detail = text_of(_shortened(event.detail), 70)
        yield f'<li class="{event.state}"><b>{event.what}</b>{when}<span>{detail}</span></li>'
    yield "</ol>"


def _shortened(text: str) -> str:
    """Cut digests, which stand whole in the tables."""
    words = text.split(" ")
    return " ".join(w[:19] + "…" + w[71:] if w.startswith("sha256:") else w for w in words)


def _causes(audit: Audit) -> Iterator[str]:
    if not audit.by_rule:
        yield '<p class="dim">None was found in what was looked at.</p>'
        return
    yield '<div class="causes">'
    for key, following in roots(tuple(audit.by_rule)).items():
        rule, first = RULES[key], audit.by_rule[key][0]
        words, path, text = fix_of(key)
        size = " main" if following or text else ""
        yield f'<div class="cause {rule.severity}{size}"><b class="id {rule.severity}">{key}</b>'
        yield f"<b>{text_of(rule.title)}</b><p>{text_of(first.seen)}</p>"
        if following:
            names = (f"<li><b>{each}</b> {text_of(RULES[each].title)}</li>" for each in following)
            yield f"<p>From it follows:</p><ul>{''.join(names)}</ul>"
        yield f'<p class="fix">{words_of(words)}</p>'
        if text:
            name = f" <code>{path}</code>" if path else ""
            yield f"<details><summary>The fix{name}</summary>"
            yield f"<pre>{html.escape(text)}</pre></details>"
        yield "</div>"
    yield "</div>"


def _plan(audit: Audit) -> Iterator[str]:
    yield f'<table class="steps">{columns("state", "step", "command", "result")}<tbody>'
    for step in audit.plan:
        yield f'<tr><td class="{step.state}">{_MARKS[step.state]}</td>'
        yield f"<td>{words_of(step.what)}</td><td><code>{text_of(step.command)}</code></td>"
        yield f"<td>{text_of(step.result)}</td></tr>"
    yield "</tbody></table>"


def _repeat(audit: Audit) -> Iterator[str]:
    yield f'<p class="dim">{text_of(repeat_note(audit))}</p><pre>{html.escape(audit.repeat)}</pre>'
