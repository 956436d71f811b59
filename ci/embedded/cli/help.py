"""Help pages and tables, laid out as Dagger's CLI lays them out.

Sources: Dagger v0.21.8 cmd/dagger/main.go (``usageTemplate``, ``wrapCmdDescription``), the Go
libraries pflag (``FlagUsagesWrapped``) and reflow (``wordwrap``).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TextIO

from .model import Function
from .options import Option

MINIMUM_NAME_WIDTH = 11


@dataclass(frozen=True, slots=True)
class Pages:
    """Writes pages for a terminal, or plain and 80 columns wide."""

    is_bold: bool = False
    width: int = 79

    @classmethod
    def on(cls, stream: TextIO) -> Pages:
        """Pages for what is on the other end of a stream."""
        if not stream.isatty():
            return cls()
        return cls(is_bold=True, width=shutil.get_terminal_size((80, 24)).columns - 1)

    def page(
        self,
        *,
        doc: str,
        use: str,
        path: str,
        functions: Sequence[Function],
        options: Iterable[Option],
        inherited: Iterable[Option] = (),
    ) -> str:
        """The help page of a command."""
        parts = [doc.rstrip()] if doc else []
        parts.append(f"{self._bold('USAGE')}\n  {use}")
        if functions:
            rows = [(function.command, function.short) for function in functions]
            parts.append("\n".join([self._bold("FUNCTIONS"), *self._names(rows)]))
        visible = [option for option in options if not option.is_hidden]
        visible.sort(key=lambda option: option.group)
        for group, members in groupby(visible, key=lambda option: option.group):
            parts.append(f"{self._bold(group.upper())}\n{self._options(list(members))}")
        if shown := [option for option in inherited if not option.is_hidden]:
            parts.append(f"{self._bold('INHERITED OPTIONS')}\n{self._options(shown)}")
        if functions:
            parts.append(f'Use "{path} [command] --help" for more information about a command.')
        return "\n\n".join(parts) + "\n"

    def table(self, head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
        """Two columns, three spaces apart."""
        width = max(len(name) for name, _ in (head, *rows))
        title = f"{self._bold(head[0])}{' ' * (width - len(head[0]))}   {self._bold(head[1])}\n"
        return title + "".join(f"{name:{width}}   {text}\n" for name, text in rows)

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.is_bold else text

    def _names(self, rows: Sequence[tuple[str, str]]) -> list[str]:
        """Names with their short descriptions, wrapped to the terminal."""
        padding = max([MINIMUM_NAME_WIDTH, *(len(name) for name, _ in rows)])
        lines = []
        for name, short in sorted(rows):
            start = f"  {name:{padding}}   "
            fits = len(start) + len(short) < self.width
            text = short if fits else word_wrap(short, self.width - len(start))
            lines.append(start + text.replace("\n", "\n" + " " * len(start)).lstrip())
        return lines

    def _options(self, options: Sequence[Option]) -> str:
        """The options of one group: those that must be set first, each with type and default."""
        ordered = sorted(options, key=lambda option: (not option.is_required, option.name))
        described = [_described(option) for option in ordered]
        column = max(len(start.encode()) for start, _ in described) + 3
        lines = "\n".join(
            f"{start:{column}}{_hang(text, column, self.width)}" for start, text in described
        )
        return re.sub(r" +$", "", lines, flags=re.MULTILINE)


def _described(option: Option) -> tuple[str, str]:
    label, usage = _unquoted(option)
    letter = f"-{option.shorthand}, " if option.shorthand else "    "
    start = f"  {letter}--{option.name}" + (f" {label}" if label else "")
    usage = f"{usage} [required]".strip() if option.is_required else usage
    return start, usage + (f" (default {option.default_text})" if option.default_text else "")


def word_wrap(text: str, limit: int) -> str:
    """Wrap at spaces, and after hyphens."""
    out, line, word, space = [], 0, "", ""
    for char in text.strip():
        if char.isspace() or char == "-":
            if word or char == "-":
                out.append(space + word)
                line += len(space + word)
                word = space = ""
            if char == "-":
                # reflow does not count it towards the line.
                out.append(char)
            else:
                space += char
            continue
        word += char
        if line + len(space) + len(word) > limit > len(word):
            out.append("\n")
            line, space = 0, ""
    return "".join(out) + (space + word if word else "")


def _unquoted(option: Option) -> tuple[str, str]:
    """A name in back quotes in the text stands for the type, as pflag has it."""
    if found := re.search(r"`([^`]*)`", option.usage):
        name = found[1]
        return name, option.usage[: found.start()] + name + option.usage[found.end() :]
    return "" if option.label == "bool" else option.label, option.usage


def _hang(text: str, indent: int, width: int) -> str:
    """Wrap text that starts in column `indent`."""
    start, space = "", width - indent
    if space < 24:
        indent = 16
        space = width - indent
        start = "\n" + " " * indent
    if space < 24:
        return text.replace("\n", start)
    slop = 5
    first, rest = _split(text, space - slop, slop)
    lines = [first]
    while rest:
        line, rest = _split(rest, space - slop, slop)
        lines.append(line)
    return start + ("\n" + " " * indent).join("\n".join(lines).split("\n"))


def _split(text: str, limit: int, slop: int) -> tuple[str, str]:
    if limit + slop > len(text):
        return text, ""
    head = text[:limit]
    space = max(head.rfind(char) for char in " \t\n")
    if space <= 0:
        return text, ""
    newline = head.rfind("\n")
    if 0 < newline < space:
        return text[:newline], text[newline + 1 :]
    return text[:space], text[space + 1 :]
