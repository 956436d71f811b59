"""Whether a pushed ref starts a workflow, judged as GitHub does.

Source: GitHub's documentation, "Workflow syntax", on.push and "Filter pattern cheat sheet".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ci.decisions.audit.yaml12 import Node


class FilterInvalid(ValueError):
    """A filter for which GitHub refuses the workflow."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it starts, and why not."""

    starts: bool
    why: str = ""
    by_branches: bool = False


def judge_push(push: Node, tag: str) -> Verdict:
    """Whether pushing a tag starts a workflow with this `on: push`.

    Path filters do not count: GitHub does not look at them for tags.

    Raises:
        FilterInvalid: GitHub refuses the workflow.
    """
    filters = {name: _patterns(push, name) for name in _FILTERS if name in push.entries}
    for kind in ("branches", "tags"):
        if {kind, f"{kind}-ignore"} <= filters.keys():
            raise FilterInvalid(f"has both {kind} and {kind}-ignore")
    if "tags" in filters:
        fits = matches(filters["tags"], tag)
        return Verdict(fits, "" if fits else f"tags {_listed(filters['tags'])} do not match {tag}")
    if "tags-ignore" in filters:
        fits = not matches(filters["tags-ignore"], tag)
        return Verdict(fits, "" if fits else f"tags-ignore leaves {tag} out")
    named = [name for name in ("branches", "branches-ignore") if name in filters]
    if named:
        why = f"{named[0]} {_listed(filters[named[0]])} and no tags: a tag does not start it"
        return Verdict(starts=False, why=why, by_branches=True)
    return Verdict(starts=True)


def matches(patterns: Sequence[str], name: str) -> bool:
    """Whether a list of patterns takes a name: the last pattern that fits decides."""
    taken = False
    for pattern in patterns:
        is_negative = pattern.startswith("!")
        if _fits(_tokens(pattern.removeprefix("!") if is_negative else pattern), name):
            taken = not is_negative
    return taken


_FILTERS = ("branches", "branches-ignore", "tags", "tags-ignore")


def _patterns(push: Node, name: str) -> tuple[str, ...]:
    return tuple(item.text for item in push.get(name).items)


def _listed(patterns: Sequence[str]) -> str:
    return "[" + ", ".join(patterns) + "]"


@dataclass(frozen=True, slots=True)
class _Token:
    """Characters that may stand here: once (""), "?", "+" or "*" times."""

    allowed: re.Pattern[str]
    times: str = ""


def _fits(tokens: Sequence[_Token], name: str) -> bool:
    """Follow all ways at once, which takes no longer for a pattern made to be slow."""
    at = {0}
    for token in tokens:
        after = set(at) if token.times in ("?", "*") else set[int]()
        for start in at:
            for end in range(start, len(name)):
                if not token.allowed.fullmatch(name[end]):
                    break
                after.add(end + 1)
                if token.times in ("", "?"):
                    break
        at = after
    return len(name) in at


def _tokens(pattern: str) -> list[_Token]:
    """Part a pattern: ``*`` stays within a path's part, ``?`` and ``+`` repeat what precedes."""
    found: list[_Token] = []
    for part in _PARTS.findall(pattern):
        if part == "**":
            found.append(_Token(re.compile(".", re.DOTALL), "*"))
        elif part == "*":
            found.append(_Token(re.compile("[^/]"), "*"))
        elif part in ("?", "+") and found and not found[-1].times:
            found[-1] = _Token(found[-1].allowed, part)
        elif len(part) > 2 and part[0] == "[":
            found.append(_Token(re.compile(_class(part[1:-1]))))
        else:
            found.append(_Token(re.compile(re.escape(part[-1]))))
    return found


_PARTS = re.compile(r"\\.|\*\*|\[[^\]]+\]|.", re.DOTALL)


def _class(inside: str) -> str:
    """Only letters, digits and ranges of them are special inside brackets."""
    parts = re.findall(r"([A-Za-z0-9])-([A-Za-z0-9])|(.)", inside, re.DOTALL)
    ranges = (f"{a}-{b}" if a and a <= b else re.escape(c or f"{a}{b}") for a, b, c in parts)
    return "[" + "".join(ranges) + "]"
