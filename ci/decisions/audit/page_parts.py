"""The page's parts that show what was seen: digests, the service, evidence, gaps."""

import html
import re
from collections.abc import Iterator

from ci.decisions.audit.escape import one_line, visible
from ci.decisions.audit.evidence import HostSeen, RegistrySeen
from ci.decisions.audit.findings import Audit, Finding
from ci.decisions.audit.releases import age_of, revision_of, shown_age
from ci.decisions.audit.rules import RULES

LISTED = 12


def text_of(text: str, limit: int = 400) -> str:
    """Foreign text on one line, as HTML's text or attribute."""
    return html.escape(one_line(text, limit))


def words_of(text: str) -> str:
    """Our own words, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def columns(*names: str) -> str:
    """A table's head."""
    return f"<thead><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr></thead>"


def pill(kind: str, text: str) -> str:
    """A word with a colour behind it."""
    return f'<span class="pill {kind}">{text}</span>'


def digests(seen: RegistrySeen) -> Iterator[str]:
    """The releases, each digest with its colours."""
    rows = [("latest", str(seen.latest or ""), "", "", "")]
    for each in reversed(seen.releases[-LISTED:]):
        images = each.tree.images if each.tree else ()
        platforms = ", ".join(str(image.platform) for image in images)
        age, revision = shown_age(age_of(each, seen.now)), revision_of(each)[:12]
        rows.append((str(each.tag), str(each.digest or ""), age, platforms, revision))
    yield f"<table>{columns('tag', 'digest', 'age', 'platforms', 'revision')}<tbody>"
    for tag, digest, age, platforms, revision in rows:
        cells = f"<td>{age}</td><td>{text_of(platforms)}</td>"
        cells += f'<td class="mono">{text_of(revision)}</td>'
        yield f'<tr><td class="mono">{text_of(tag)}</td><td>{digest_of(digest)}</td>{cells}</tr>'
    yield "</tbody></table>"
    if (more := len(seen.releases) - LISTED) > 0:
        yield f'<p class="dim">and {more} older releases; report.json lists them all</p>'


def digest_of(text: str) -> str:
    """A digest with colours of its own, so that equal ones look equal at a glance."""
    if not text:
        return '<span class="failed">manifest unknown</span>'
    value = text.removeprefix("sha256:")
    hues = (int(value[at : at + 2], 16) * 360 // 256 for at in range(0, 12, 2))
    bars = "".join(f'<i style="background:hsl({hue} 62% 52%)"></i>' for hue in hues)
    whole, short = text_of(text), text_of(text[:19])
    return f'<span class="digest" title="{whole}">{bars}<code>{short}…</code></span>'


def service(seen: HostSeen) -> Iterator[str]:
    """What runs, and its last health checks."""
    address, name = text_of(seen.address), text_of(seen.service)
    yield f"<p><code>{address}</code>, service <code>{name}</code></p>"
    for each in seen.facts.service:
        kind = "done" if each.health == "healthy" else "failed"
        yield f"<p>{pill(kind, text_of(f'{each.status}, {each.health}', 40))} "
        yield f"<code>{text_of(each.reference)}</code></p>"
    if seen.samples:
        yield '<ol class="beats">'
        for sample in seen.samples:
            kind = "done" if sample.is_well else "failed"
            yield f'<li class="{kind}" title="{text_of(f"{sample.time} {sample.output}")}"></li>'
        yield '</ol><p class="dim">the last health checks that Docker made, the newest last</p>'


def evidence(audit: Audit) -> Iterator[str]:
    """Every finding, folded by rule."""
    if not audit.by_rule:
        yield '<p class="dim">Nothing to show.</p>'
    for key, found in audit.by_rule.items():
        rule = RULES[key]
        count = f' <span class="count">({len(found)})</span>' if len(found) > 1 else ""
        yield f'<details><summary><span class="{rule.severity}">{key}</span> '
        yield f"{text_of(rule.title)}{count}</summary>"
        yield from map(_shown, found[:LISTED])
        if len(found) > LISTED:
            yield f'<p class="dim">and {len(found) - LISTED} more; report.json lists them all</p>'
        yield "</details>"


def _shown(each: Finding) -> str:
    output = html.escape(visible(each.quote.output))
    return (
        f'<p class="seen"><code>{text_of(each.subject)}</code> {text_of(each.seen)}</p>'
        f"<pre><b>$ {text_of(each.quote.command)}</b>\n{output}</pre>"
    )


def looked(audit: Audit) -> Iterator[str]:
    """What was looked at, and what could not be."""
    yield '<ul class="plain">'
    for text in audit.looked:
        yield f"<li>{text_of(text)}</li>"
    for gap in audit.gaps:
        yield f"<li><b>Not looked at: {text_of(gap.what)}.</b> {text_of(gap.why)}."
        yield f' <span class="dim">To do: {text_of(gap.remedy)}</span></li>'
    yield "</ul>"
