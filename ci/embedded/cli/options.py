"""Options as the Go library pflag reads and shows them; Dagger's CLI is built on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from .gotext import quoted, similar
from .model import UsageError
from .names import to_kebab


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command.

    Attributes:
        parse: Text to value; raises ValueError with the reason.
        label: The type's name as help shows it.
        default_text: The default as help shows it; "" shows none.
        implied: What it is worth without a value; "" when it needs one.
        adds: Whether a repeated option adds to the value (lists, counts).
        group: The heading that it stands under in help.
    """

    name: str
    parse: Callable[[str], Any]
    shorthand: str = ""
    label: str = "string"
    usage: str = ""
    default_text: str = ""
    implied: str = ""
    adds: bool = False
    is_required: bool = False
    is_hidden: bool = False
    group: str = "Options"

    @property
    def spelled(self) -> str:
        """As error messages name it."""
        return f"-{self.shorthand}, --{self.name}" if self.shorthand else f"--{self.name}"


class OptionSet:
    """The options that a command knows; the first of a name wins."""

    def __init__(self, options: Iterable[Option]) -> None:
        self._by_name: dict[str, Option] = {}
        for option in options:
            self._by_name.setdefault(option.name, option)
        self._by_letter = {
            option.shorthand: option for option in self._by_name.values() if option.shorthand
        }

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def parse(self, words: list[str]) -> tuple[dict[str, Any], list[str]]:
        """Read options up to the first word that is none; return the values and the rest.

        Raises:
            UsageError: an unknown option or a bad value.
        """
        values: dict[str, Any] = {}
        rest = list(words)
        while rest:
            word = rest[0]
            if len(word) < 2 or not word.startswith("-"):
                break
            rest.pop(0)
            if word == "--":
                break
            if word.startswith("--"):
                self._long(word, rest, values)
            else:
                self._letters(word[1:], rest, values)
        return values, rest

    def _long(self, word: str, rest: list[str], values: dict[str, Any]) -> None:
        name, equals, value = word[2:].partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {word}")
        option = self._by_name.get(to_kebab(name))
        if option is None:
            known = tuple(f"--{known}" for known in self._by_name)
            raise UsageError(f"unknown flag: --{name}", suggestions=similar(f"--{name}", known))
        if not equals and option.implied:
            value = option.implied
        elif not equals:
            if not rest:
                raise UsageError(f"flag needs an argument: --{name}")
            value = rest.pop(0)
        _set(option, value, values)

    def _letters(self, letters: str, rest: list[str], values: dict[str, Any]) -> None:
        word = letters
        while letters:
            letter, letters = letters[0], letters[1:]
            option = self._by_letter.get(letter)
            if option is None:
                raise UsageError(f"unknown shorthand flag: '{letter}' in -{word}")
            if letters.startswith("=") and len(letters) > 1:
                value, letters = letters[1:], ""
            elif option.implied:
                value = option.implied
            elif letters:
                value, letters = letters, ""
            elif rest:
                value = rest.pop(0)
            else:
                raise UsageError(f"flag needs an argument: '{letter}' in -{word}")
            _set(option, value, values)


def _set(option: Option, text: str, values: dict[str, Any]) -> None:
    try:
        value = option.parse(text)
    except ValueError as error:
        raise UsageError(
            f'invalid argument {quoted(text)} for "{option.spelled}" flag: {error}'
        ) from error
    if option.adds and option.name in values:
        value = values[option.name] + value
    values[option.name] = value


def switch(name: str, usage: str, *, shorthand: str = "", is_hidden: bool = False) -> Option:
    """A yes-or-no option."""
    return Option(name, parse_bool, shorthand, "bool", usage, implied="true", is_hidden=is_hidden)


def count(name: str, usage: str, *, shorthand: str) -> Option:
    """An option that counts how often it is given."""
    return replace(
        Option(name, lambda text: 1 if text == "+1" else int(text), shorthand, "count", usage),
        implied="+1",
        adds=True,
    )


def parse_bool(text: str) -> bool:
    """Read a boolean as Go's strconv does."""
    if text in {"1", "t", "T", "TRUE", "true", "True"}:
        return True
    if text in {"0", "f", "F", "FALSE", "false", "False"}:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")
