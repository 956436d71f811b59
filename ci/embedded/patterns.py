"""Include and exclude patterns, with the semantics of .dockerignore (moby/patternmatcher)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence


def pattern_regex(pattern: str) -> str:
    """Translate one pattern: ``*`` stays within a name, ``**`` crosses directories."""
    out, i = "", 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**", i):
            slash = pattern.startswith("/", i + 2)
            out += "(.*/)?" if slash else ".*"
            i += 3 if slash else 2
            continue
        closing = pattern.find("]", i + 1) if char == "[" else -1
        if closing > 0:
            out += pattern[i : closing + 1]
            i = closing + 1
            continue
        if char == "\\" and i + 1 < len(pattern):
            i += 1
            out += re.escape(pattern[i])
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        i += 1
    return out


class Patterns:
    """A list of patterns; the last one that matches a path or one of its parents decides."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in patterns:
            negated, text = line.startswith("!"), line.removeprefix("!").strip()
            if not text:
                continue
            text = posixpath.normpath(text).lstrip("/")
            regex = ".*" if text in ("", ".") else pattern_regex(text)
            self._rules.append((negated, re.compile(regex + r"(/.*)?\Z", re.DOTALL)))

    @property
    def has_exceptions(self) -> bool:
        """Whether a ``!pattern`` may bring something below an excluded directory back."""
        return any(negated for negated, _ in self._rules)

    def matches(self, path: str) -> bool:
        """Whether `path`, relative and without a leading slash, is matched."""
        matched = False
        for negated, regex in self._rules:
            if negated == matched and regex.match(path):
                matched = not negated
        return matched


class Filter:
    """What a directory keeps: the included paths that are not excluded, and their parents."""

    def __init__(self, include: Sequence[str] | None, exclude: Sequence[str] | None) -> None:
        self.include = Patterns(include) if include else None
        self.exclude = Patterns(exclude or ())

    def keeps(self, path: str) -> bool:
        """Whether the path itself is kept; a parent of a kept path is kept besides."""
        return (self.include is None or self.include.matches(path)) and not self.exclude.matches(
            path
        )

    def prunes(self, directory: str) -> bool:
        """Whether nothing below `directory` can be kept, so that it need not be read."""
        return self.exclude.matches(directory) and not self.exclude.has_exceptions


def dockerignore_lines(text: str) -> list[str]:
    """The patterns of a .dockerignore file."""
    lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
