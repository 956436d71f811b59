"""What an audit found, and how its findings hang together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ci.decisions.audit.evidence import HostSeen, RegistrySeen
from ci.decisions.audit.rules import RULES, Rule, Severity

_GRAVEST = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Quote:
    """A command by which a reader sees it for himself, and what was seen."""

    command: str
    output: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a rule.

    `subject` is what breaks it, `path` and `line` where that stands in the repository, "" and 0
    where it stands elsewhere.
    """

    rule: Rule
    subject: str
    seen: str
    quote: Quote
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be looked at, why, and what to do about that."""

    what: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the verification plan with its result: done, failed, or open."""

    what: str
    command: str
    result: str
    state: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that a report tells; `named` is the moment that the tag names."""

    subject: str
    tag: str
    named: datetime | None
    moment: datetime
    findings: tuple[Finding, ...]
    looked: tuple[str, ...]
    gaps: tuple[Gap, ...]
    plan: tuple[Step, ...]
    repeat: str
    registry: RegistrySeen | None = None
    host: HostSeen | None = None

    @property
    def by_rule(self) -> Mapping[str, tuple[Finding, ...]]:
        """The findings by rule, the gravest rules first."""
        order = sorted({each.rule.id for each in self.findings}, key=_rank)
        return {key: tuple(f for f in self.findings if f.rule.id == key) for key in order}

    def count(self, severity: Severity) -> int:
        """How many rules of this severity are broken."""
        return sum(RULES[key].severity is severity for key in self.by_rule)


def finding(
    key: str, subject: str, seen: str, quote: Quote, *, path: str = "", line: int = 0
) -> Finding:
    """Name a breach of the rule `key`."""
    return Finding(RULES[key], subject, seen, quote, path, line)


def causes(keys: Iterable[str]) -> dict[str, str]:
    """For each broken rule, the broken rule that explains it in the end; itself where none does."""
    broken = set(keys)
    return {key: _root(key, broken) for key in sorted(broken, key=_rank)}


def roots(keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The root causes among broken rules, each with what follows from it, the gravest first."""
    found = causes(keys)
    heads = sorted(set(found.values()), key=lambda key: (-_following(key, found), _rank(key)))
    return {
        head: tuple(key for key, root in found.items() if root == head and key != head)
        for head in heads
    }


def _root(key: str, broken: set[str]) -> str:
    seen = {key}
    while after := next((each for each in RULES[key].after if each in broken - seen), ""):
        key = after
        seen.add(key)
    return key


def _following(head: str, found: Mapping[str, str]) -> int:
    return sum(root == head for root in found.values())


def _rank(key: str) -> tuple[int, str]:
    return _GRAVEST.index(RULES[key].severity), key
