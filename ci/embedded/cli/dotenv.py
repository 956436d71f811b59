"""Defaults for arguments from `.env` files, by the rules of Dagger v0.21.8 ("user defaults").

Sources: core/modulesource.go ``LoadUserDefaults``, core/modfunc.go ``UserDefault``,
core/envfile.go ``Namespace``, core/dotenv.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .gotext import quoted
from .model import Argument, Function, ModuleError
from .names import to_lower_camel, to_snake

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What makes Dagger read a value with a shell's parser; anything else is taken as it stands.
SHELL = re.compile(r"[`\"'\\]|\$[A-Za-z_{(]")
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::?-([^}]*))?\})")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """Raw variables, and those that are only there to be referred to by the others."""

    variables: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> EnvFile:
        """Read the lines of a `.env` file, unexpanded."""
        found = {}
        for line in text.splitlines():
            name, _, value = re.sub(r"^export\s+", "", line.strip()).partition("=")
            if NAME.fullmatch(name):
                found[name] = value.strip()
        return cls(found)

    def namespace(self, prefix: str) -> EnvFile:
        """Keep what starts with the prefix (``myApp_`` or ``my_app_``, in any case), without it."""
        inside: dict[str, str] = {}
        outside = dict(self.context)
        for name, value in self.variables.items():
            cut = _cut_prefix(name, prefix)
            if cut is None:
                outside[name] = value
            else:
                inside[cut] = value
        return EnvFile(inside, outside)

    def merged(self, other: EnvFile) -> EnvFile:
        """Both, the other's variables winning."""
        return EnvFile({**self.variables, **other.variables}, {**self.context, **other.context})

    def lookup(self, name: str) -> str | None:
        """The expanded value of the variable that has this name in any case."""
        for known in sorted(self.variables):
            if known.lower() == name.lower():
                return self._expand(known, ())
        return None

    def _expand(self, name: str, seen: tuple[str, ...]) -> str:
        raw = {**self.context, **self.variables}
        if name in seen:
            raise ModuleError(f".env: circular dependency: {' -> '.join((*seen, name))}")
        if name not in raw:
            return os.environ.get(name, "")
        value = raw[name]
        return self._shell_word(name, value, (*seen, name)) if SHELL.search(value) else value

    def _shell_word(self, name: str, text: str, seen: tuple[str, ...]) -> str:
        """Quotes, backslashes and variables, as a shell reads an assignment."""
        out: list[str] = []
        quote, at = "", 0
        while at < len(text):
            char = text[at]
            reference = VARIABLE.match(text, at) if quote != "'" else None
            if reference:
                out.append(self._variable(name, reference, seen))
                at = reference.end() - 1
            elif char == "\\" and quote != "'":
                at += 1
                out.append(text[at : at + 1])
            elif char in "\"'" and quote in ("", char):
                quote = "" if quote else char
            elif char == "`" or text.startswith("$(", at):
                raise ModuleError(f".env: {name} runs a command: use Dagger for it")
            elif char == "#" and not quote and text[at - 1 : at].isspace():
                break
            else:
                out.append(char)
            at += 1
        if quote:
            raise ModuleError(f".env: {name}: a quote is not closed")
        return "".join(out).strip() if text[:1] not in "\"'" else "".join(out).rstrip()

    def _variable(self, name: str, reference: re.Match[str], seen: tuple[str, ...]) -> str:
        wanted = reference[1] or reference[2]
        value = self._expand(wanted, seen)
        if not value and reference[3] is None:
            raise ModuleError(f".env: {name}: {wanted}: unbound variable")
        return value or reference[3]


def read_defaults(root: Path, module: str) -> EnvFile:
    """The defaults for a module: its own `.env`, then what the nearest one upwards of the working
    directory says under the module's name."""
    inner = EnvFile()
    if (root / ".env").is_file():
        inner = EnvFile.parse((root / ".env").read_text())
    here = Path.cwd()
    outer = next((up / ".env" for up in (here, *here.parents) if (up / ".env").exists()), None)
    if outer is None or not outer.is_file():
        return inner
    return inner.merged(EnvFile.parse(outer.read_text()).namespace(module))


def with_defaults(function: Function, module: str, owner: str, defaults: EnvFile) -> Function:
    """The function with its arguments' defaults from `.env`.

    Args:
        owner: The Python name of the object; the main object has no prefix of its own.
    """
    if owner.lower() != module.replace("-", "").lower():
        defaults = defaults.namespace(owner)
    if function.name:
        defaults = defaults.namespace(function.python_name)
    label = f"{module}.{function.name}"
    arguments = tuple(_with_default(item, label, defaults) for item in function.arguments)
    return replace(function, arguments=arguments)


def describe_defaults(function: Function, module: str) -> list[str]:
    """What the user is told: ``user default: ci(image="...")``; never a secret's plain text."""
    label = f"{module}.{function.name}" if function.name else module
    return [
        f"user default: {label}({argument.name}={_shown(argument)})"
        for argument in function.arguments
        if argument.user_default is not None
    ]


def _shown(argument: Argument) -> str:
    value = argument.user_default or ""
    hides = argument.type.inner.name == "Secret" and "://" not in value
    return "*****" if hides else quoted(value)


def _with_default(argument: Argument, label: str, defaults: EnvFile) -> Argument:
    value = defaults.lookup(argument.name)
    if value is None:
        return argument
    if argument.type.holds_objects:
        return replace(argument, user_default=value)
    where = f"user defaults {label}({argument.name}=...)"
    return replace(argument, default=_as_json(argument.type.kind, value, where), user_default=value)


def _as_json(kind: str, value: str, where: str) -> str:
    if kind == "string":
        return json.dumps(value)
    if kind == "list":
        return json.dumps(value.split(","))
    if kind == "int":
        if not re.fullmatch(r"[+-]?\d+", value):
            raise ModuleError(
                f"{where}: parse as integer: strconv.Atoi: parsing {quoted(value)}: invalid syntax"
            )
        return str(int(value))
    try:
        json.loads(value)
    except ValueError as error:
        # Dagger reads booleans, floats and enums as JSON: an enum's name needs its quotes.
        raise ModuleError(f"{where}: not valid JSON: '{value}'") from error
    return value


def _cut_prefix(name: str, prefix: str) -> str | None:
    snake = to_snake(prefix)
    for start in (to_lower_camel(prefix) + "_", snake if snake.endswith("_") else snake + "_"):
        if name.lower().startswith(start.lower()):
            return name[len(start) :]
    return None
