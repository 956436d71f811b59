"""Which files of a build context .dockerignore leaves out, as Docker's own matcher decides.

No library fits: pathspec speaks .gitignore, whose rules differ (anchoring, directories, "**").
Source: moby/patternmatcher, MatchesOrParentMatches, and its ignorefile reader.
"""

import posixpath
import re
from dataclasses import dataclass

from ci.errors import ContextInvalid
from ci.oci.text import shown


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: what it matches, and whether it brings files back."""

    regex: re.Pattern[str]
    is_exception: bool


def parse_dockerignore(text: str) -> tuple[Pattern, ...]:
    """Read a .dockerignore file.

    Raises:
        ContextInvalid: a line that Docker refuses.
    """
    lines = (line.strip() for line in text.removeprefix("\ufeff").split("\n") if line[:1] != "#")
    return tuple(_pattern(line) for line in lines if line)


def is_ignored(path: str, patterns: tuple[Pattern, ...]) -> bool:
    """Whether the file at `path` (relative, with "/") is left out; the last match decides."""
    parts = path.split("/")
    candidates = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    ignored = False
    for pattern in patterns:
        if pattern.is_exception == ignored and any(map(pattern.regex.fullmatch, candidates)):
            ignored = not pattern.is_exception
    return ignored


def _pattern(line: str) -> Pattern:
    is_exception = line.startswith("!")
    glob = line.removeprefix("!").strip()
    if not glob:
        _refuse(line)
    glob = posixpath.normpath(glob).lstrip("/") or "/"
    try:
        return Pattern(re.compile(_regex(glob), re.DOTALL), is_exception)
    except re.error:
        return _refuse(line)


def _regex(glob: str) -> str:
    written, rest = "", glob
    while rest:
        if rest.startswith("**"):
            rest = rest[2:].removeprefix("/")
            written += "(?:.*/)?" if rest else ".*"
            continue
        one, rest = rest[0], rest[1:]
        if one == "\\" and rest:
            one, rest = re.escape(rest[0]), rest[1:]
        written += {"*": "[^/]*", "?": "[^/]"}.get(one) or (
            re.escape(one) if one in ".+()|{}$\\" else one
        )
    return written


def _refuse(line: str) -> Pattern:
    raise ContextInvalid(
        f".dockerignore holds {shown(line)}, which Docker cannot read",
        remedy="mend that line of .dockerignore",
    )
