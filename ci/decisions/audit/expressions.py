"""Conditions of jobs and steps, as far as they can be known before a run: yes, no, or perhaps.

None stands for what only the run knows. A condition that is surely false shuts its job out.

Source: GitHub's documentation, "Evaluate expressions in workflows and actions".
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = str | bool | None

_TOKEN = re.compile(
    r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|<=|>=|[()!<>,\[\]])"
    r"|([A-Za-z_][A-Za-z0-9_.*-]*)|(-?[0-9][0-9.a-fxA-F]*))"
)
_LONGEST = 4000


class _Strange(Exception):
    """Not an expression that this evaluator reads."""


def pushed(tag: str) -> Mapping[str, str]:
    """What `github` holds when a tag is pushed."""
    return {
        "github.event_name": "push",
        "github.ref": f"refs/tags/{tag}",
        "github.ref_name": tag,
        "github.ref_type": "tag",
        "github.head_ref": "",
        "github.base_ref": "",
    }


def is_surely_false(condition: str, known: Mapping[str, str]) -> bool:
    """Whether a condition cannot hold, whatever the run brings."""
    text = condition.strip()
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        text = text[3:-2]
    if not text or len(text) > _LONGEST or "${{" in text:
        return False
    try:
        found = _Parser(_tokens(text), known).whole()
    except (_Strange, RecursionError):
        return False
    return found is not None and not found


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    kinds = ("text", "sign", "name", "number")
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Strange
        kind = next(k for k, part in zip(kinds, match.groups(), strict=True) if part is not None)
        found.append((kind, match[match.lastindex or 0]))
        at = match.end()
    return found


class _Parser:
    """A descent by precedence: or, and, equal, not, then values and calls."""

    def __init__(self, tokens: list[tuple[str, str]], known: Mapping[str, str]) -> None:
        self._tokens, self._known, self._at = tokens, known, 0

    def whole(self) -> Value:
        found = self._either()
        if self._at != len(self._tokens):
            raise _Strange
        return found

    def _take(self, *signs: str) -> str:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind == "sign" and text in signs:
            self._at += 1
            return text
        return ""

    def _either(self) -> Value:
        found = self._all()
        while self._take("||"):
            other = self._all()
            # What is perhaps true becomes surely true where the other is.
            found = (other or None) if found is None else (found or other)
        return found

    def _all(self) -> Value:
        found = self._equal()
        while self._take("&&"):
            other = self._equal()
            if found is None:
                found = other if other is not None and not other else None
            elif found:
                found = other
        return found

    def _equal(self) -> Value:
        found = self._not()
        while sign := self._take("==", "!=", "<", ">", "<=", ">="):
            other = self._not()
            if found is None or other is None or sign not in ("==", "!="):
                found = None
            else:
                found = (_folded(found) == _folded(other)) is (sign == "==")
        return found

    def _not(self) -> Value:
        if self._take("!"):
            found = self._not()
            return None if found is None else not found
        return self._value()

    def _value(self) -> Value:
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise _Strange
            return found
        if self._at >= len(self._tokens):
            raise _Strange
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "name":
            return self._call(text) if self._take("(") else self._named(text)
        if kind == "number":
            return None
        raise _Strange

    def _named(self, name: str) -> Value:
        if name.lower() in ("true", "false"):
            return name.lower() == "true"
        if self._take("["):
            self._either()
            if not self._take("]"):
                raise _Strange
            return None
        return self._known.get(name.lower())

    def _call(self, name: str) -> Value:
        arguments: list[Value] = []
        while not self._take(")"):
            arguments.append(self._either())
            self._take(",")
        name = name.lower()
        if name == "always":
            return True
        if name not in ("startswith", "endswith", "contains") or len(arguments) != 2:
            return None
        whole, part = arguments
        if not isinstance(whole, str) or not isinstance(part, str):
            return None
        whole, part = whole.lower(), part.lower()
        if name == "contains":
            return part in whole
        return whole.startswith(part) if name == "startswith" else whole.endswith(part)


def _folded(value: str | bool) -> str | bool:
    """GitHub compares text without regard to case."""
    return value.lower() if isinstance(value, str) else value
