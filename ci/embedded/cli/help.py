"""Help pages and tables, laid out as Dagger's CLI lays them out.

Sources: Dagger v0.21.8 cmd/dagger/main.go (``usageTemplate``, ``wrapCmdDescription``), the Go
libraries pflag (``FlagUsagesWrapped``) and reflow (``wordwrap``).
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby

from .model import Function
from .options import Option

MINIMUM_NAME_WIDTH = 11


def page(
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
    parts.append(f"{_heading('Usage')}\n  {use}")
    if functions:
        rows = [(function.command, function.short) for function in functions]
        parts.append("\n".join([_heading("Functions"), *describe_names(rows)]))
    visible = sorted(
        (option for option in options if not option.is_hidden), key=lambda option: option.group
    )
    for group, members in groupby(visible, key=lambda option: option.group):
        parts.append(f"{_heading(group)}\n{option_lines(list(members))}")
    if shown := [option for option in inherited if not option.is_hidden]:
        parts.append(f"{_heading('Inherited Options')}\n{option_lines(shown)}")
    if functions:
        parts.append(f'Use "{path} [command] --help" for more information about a command.')
    return "\n\n".join(parts) + "\n"


def describe_names(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names with their short descriptions, wrapped to the terminal."""
    padding = max([MINIMUM_NAME_WIDTH, *(len(name) for name, _ in rows)])
    lines = []
    for name, short in sorted(rows):
        start = f"  {name:{padding}}   "
        fits = len(start) + len(short) < _width()
        text = short if fits else word_wrap(short, _width() - len(start))
        lines.append(start + text.replace("\n", "\n" + " " * len(start)).lstrip())
    return lines


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Two columns, three spaces apart."""
    width = max(len(name) for name, _ in rows)
    return "".join(f"{name:{width}}   {text}\n" for name, text in rows)


def option_lines(options: Sequence[Option]) -> str:
    """The options of one group: those that must be set first, each with type and default."""
    ordered = sorted(options, key=lambda option: (not option.is_required, option.name))
    starts, texts = [], []
    for option in ordered:
        label, usage = _unquoted(option)
        letter = f"-{option.shorthand}, " if option.shorthand else "    "
        starts.append(f"  {letter}--{option.name}" + (f" {label}" if label else ""))
        usage = f"{usage} [required]".strip() if option.is_required else usage
        texts.append(usage + (f" (default {option.default_text})" if option.default_text else ""))
    column = max(len(start.encode()) for start in starts) + 3
    lines = "\n".join(
        f"{start:{column}}{_hang(text, column, _width())}"
        for start, text in zip(starts, texts, strict=True)
    )
    return re.sub(r" +$", "", lines, flags=re.MULTILINE)


def bold(text: str) -> str:
    """Bold on a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


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


def _heading(text: str) -> str:
    return bold(text.upper())


def _width() -> int:
    columns = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80
    return columns - 1


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
