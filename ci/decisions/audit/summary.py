"""An audit in one line, and the sentence before the command that repeats a stage."""

from ci.decisions.audit.findings import Audit, roots
from ci.decisions.audit.repeat import FOLDER
from ci.decisions.audit.rules import RULES, Severity


def headline(audit: Audit) -> str:
    """Say how it stands."""
    counts = [
        f"{audit.count(severity)} {severity}{'s' if audit.count(severity) != 1 else ''}"
        for severity in Severity
        if audit.count(severity)
    ]
    many = f"{len(audit.gaps)} things were" if len(audit.gaps) > 1 else "1 thing was"
    unseen = f" {many} not looked at." if audit.gaps else ""
    if not counts:
        return f"No finding.{unseen}"
    head = next(iter(roots(tuple(audit.by_rule))))
    return f"{', '.join(counts)}. Root cause: {head}, {RULES[head].title}.{unseen}"


def repeat_note(audit: Audit) -> str:
    """Say what the command needs."""
    beside = f", and this folder there as {FOLDER}" if f" {FOLDER}/" in audit.repeat else ""
    return (
        f"In a checkout at the commit of {audit.tag or 'the release'}, with the secrets that it"
        f" names in the environment or in files{beside}:"
    )
