"""As much of a Dockerfile as has to be understood before the builder gets it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ci.embedded.errors import EngineError, Unsupported

_FROM = re.compile(
    r"(?P<flags>(?:--\S+\s+)*)(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*", re.IGNORECASE
)
_PLATFORM = re.compile(r"--platform=(\S+)")
_COPY_FROM = re.compile(r"--from=(\S+)")
_MOUNT_FROM = re.compile(r"--mount=\S*?\bfrom=([^\s,]+)")
_SESSION_MOUNT = re.compile(r"--mount=\S*?type=(secret|ssh)\b")
_DEFAULTED = re.compile(r"\$\{(\w+)(:?[-+])([^}]*)\}|\$\{(\w+)\}|\$(\w+)", re.ASCII)


@dataclass
class Stage:
    """One FROM and what follows it."""

    index: int
    line: int  # of the FROM in the file, from 0
    base: str
    name: str
    platform: str
    flags: str
    sources: set[str] = field(default_factory=set)
    refused: str = ""
    is_external: bool = True


@dataclass
class Dockerfile:
    """The stages of a Dockerfile and its lines."""

    lines: list[str]
    stages: list[Stage]

    @classmethod
    def parse(cls, text: str, arguments: Mapping[str, str]) -> Dockerfile:
        """Find the stages; `arguments` are build arguments, which fill FROM lines."""
        lines, stages = text.splitlines(), list[Stage]()
        defaults: dict[str, str] = {}
        for number, keyword, rest in _instructions(lines):
            if keyword == "ARG" and not stages:
                name, _, value = rest.partition("=")
                defaults[name] = _substitute(value.strip("\"'"), {**defaults, **arguments})
            elif keyword == "FROM":
                stages.append(_stage(len(stages), number, rest, {**defaults, **arguments}))
            elif stages:
                _note(stages[-1], keyword, rest)
        if not stages:
            raise EngineError("the Dockerfile has no FROM")
        names = {stage.name for stage in stages if stage.name}
        for stage in stages:
            earlier = {other.name for other in stages[: stage.index] if other.name}
            stage.is_external = stage.base.lower() not in earlier and stage.base != "scratch"
            stage.sources &= names | {str(i) for i in range(len(stages))}
        return cls(lines, stages)

    def needed(self, target: str) -> list[Stage]:
        """The stages that a target is made of."""
        waiting, found = [self._find(target) if target else self.stages[-1]], dict[int, Stage]()
        while waiting:
            stage = waiting.pop()
            if stage.index not in found:
                found[stage.index] = stage
                sources = stage.sources | (
                    set() if stage.is_external or stage.base == "scratch" else {stage.base}
                )
                waiting += [self._find(source) for source in sources]
        return [found[index] for index in sorted(found)]

    def _find(self, name: str) -> Stage:
        for stage in reversed(self.stages):
            if name.lower() == stage.name or name == str(stage.index):
                return stage
        raise EngineError(f'target stage "{name}" could not be found')

    def refuse_what_needs_a_session(self, stages: Iterable[Stage]) -> None:
        """Secrets and SSH agents cannot reach this builder, which would skip them silently."""
        for stage in stages:
            if stage.refused:
                where = f"(stage {stage.name or stage.index})"
                raise Unsupported(f"a Dockerfile's RUN --mount=type={stage.refused} {where}")

    def pinned(self, bases: Mapping[int, str]) -> str:
        """The text with the bases of some stages replaced."""
        lines = list(self.lines)
        for index, base in bases.items():
            stage = self.stages[index]
            named = f" AS {stage.name}" if stage.name else ""
            end = stage.line
            while lines[end].rstrip().endswith("\\"):
                lines[end] = ""
                end += 1
            lines[end] = f"FROM {stage.flags}{base}{named}"
        return "\n".join(lines) + "\n"


def _instructions(lines: list[str]) -> Iterable[tuple[int, str, str]]:
    """Line number, keyword and rest of every instruction, continuation lines joined."""
    number, heredoc = 0, ""
    while number < len(lines):
        start, text = number, lines[number].strip()
        number += 1
        if heredoc:
            heredoc = "" if text == heredoc else heredoc
            continue
        if not text or text.startswith("#"):
            continue
        while text.endswith("\\") and number < len(lines):
            following = lines[number].strip()
            number += 1
            if not following.startswith("#"):
                text = f"{text[:-1]} {following}"
        keyword, _, rest = text.partition(" ")
        if keyword.upper() in ("RUN", "COPY", "ADD") and (
            match := re.search(r"<<-?[\"']?(\w+)[\"']?", rest)
        ):
            heredoc = match.group(1)
        yield start, keyword.upper(), rest.strip()


def _stage(index: int, number: int, rest: str, arguments: Mapping[str, str]) -> Stage:
    match = _FROM.fullmatch(rest)
    if match is None:
        raise EngineError(f"Dockerfile line {number + 1}: cannot read FROM {rest!r}")
    base = _substitute(match["base"], arguments)
    if not base:
        raise EngineError(
            f"Dockerfile line {number + 1}: base name ({match['base']}) should not be blank"
        )
    platform = _PLATFORM.search(match["flags"] or "")
    name = (match["name"] or "").lower()
    wanted = _substitute(platform.group(1), arguments) if platform else ""
    return Stage(index, number, base, name, wanted, match["flags"] or "")


def _note(stage: Stage, keyword: str, rest: str) -> None:
    if keyword in ("COPY", "ADD"):
        stage.sources |= {name.lower() for name in _COPY_FROM.findall(rest)}
    elif keyword == "RUN":
        stage.sources |= {name.lower() for name in _MOUNT_FROM.findall(rest)}
        if match := _SESSION_MOUNT.search(rest):
            stage.refused = match.group(1)


def _substitute(text: str, values: Mapping[str, str]) -> str:
    """Fill ``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+other}``."""

    def fill(match: re.Match[str]) -> str:
        name, operator, other, braced, bare = match.groups()
        value = values.get(name or braced or bare, "")
        if operator and operator[-1] == "-":
            return value or other
        if operator:
            return other if value else ""
        return value

    return _DEFAULTED.sub(fill, text)
