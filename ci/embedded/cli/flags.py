"""A function's arguments as options: text to values, types and defaults as help shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .gotext import number, quoted
from .model import Argument, Function, TypeRef
from .options import Option, parse_bool

# The objects that can be named on the command line, by an address, a path or a name.
OBJECTS = frozenset({"Container", "Directory", "File", "Secret", "Service", "CacheVolume"}) | {
    "Module",
    "ModuleSource",
    "Socket",
    "GitRepository",
    "GitRef",
}
INPUTS = frozenset({"PortForward", "BuildArg"})
LABELS = {"string": "string", "int": "int", "float": "float", "bool": "bool"}
LIST_LABELS = {"string": "strings", "int": "ints", "float": "float64Slice", "bool": "bools"}
CSV_FIELD = re.compile(r'"((?:[^"]|"")*)"(?=,|\n|$)')
CSV_OPENED = re.compile(r'"(?:[^"]|"")*')
EXTRANEOUS = 'extraneous or missing " in quoted-field'
# A secret's address, a path or a name may not be empty for these.
NEVER_EMPTY = {
    "CacheVolume": "cacheVolume name",
    "Platform": "platform",
    "PortForward": "portForward setting",
    "Module": "module ref",
    "ModuleSource": "module source ref",
}


def options_of(function: Function) -> list[Option]:
    """The options for a function's arguments; unsupported ones are left out."""
    return [option_of(argument) for argument in function.arguments if is_supported(argument)]


def is_supported(argument: Argument) -> bool:
    """Whether the command line can set the argument."""
    kind = argument.type.element or argument.type
    if argument.type.element and kind.name in {"GitRepository", "GitRef"}:
        return False
    if kind.kind == "object":
        return kind.name in OBJECTS and kind.is_core
    return kind.name in INPUTS if kind.kind == "input" else kind.kind not in {"list", "void"}


def is_callable(function: Function) -> bool:
    """Whether every argument that must be set can be."""
    return all(is_supported(item) or not item.is_required for item in function.arguments)


def option_of(argument: Argument) -> Option:
    """The option for one argument."""
    return Option(
        argument.flag,
        parser(argument.type),
        label=label(argument.type),
        usage=argument.doc,
        default_text=default_text(argument),
        implied="true" if argument.type.kind == "bool" else "",
        adds=argument.type.kind == "list",
        is_required=argument.is_required,
        group="Arguments",
    )


def label(type_: TypeRef) -> str:
    """The type's name in help; an enum shows its choices."""
    if type_.element:
        inner = type_.element
        return LIST_LABELS.get(inner.kind) or _custom_list_label(inner)
    if type_.kind == "enum":
        return ",".join(sorted(type_.members))
    if type_.kind == "scalar" and type_.name != "Platform":
        return "string"
    return LABELS.get(type_.kind, type_.name)


def _custom_list_label(inner: TypeRef) -> str:
    is_text = inner.kind == "scalar" and inner.name != "Platform"
    return "strings" if is_text else f"[]{label(inner)}"


def default_text(argument: Argument) -> str:
    """The default as help shows it; "" where it is the type's zero value."""
    type_ = argument.type
    value = json.loads(argument.default) if argument.default else None
    if type_.element:
        return _list_default(type_.element, value)
    if type_.kind == "input":
        # What the zero values of Dagger's own flag types print.
        return {"PortForward": "0:0", "BuildArg": "="}.get(type_.name, "")
    if value is None or value is False or value in ("", 0):
        return ""
    if isinstance(value, bool):
        return "true"
    if label(type_) == "string":
        return quoted(str(value))
    return number(value) if isinstance(value, float) else str(value)


def _list_default(inner: TypeRef, value: Any) -> str:
    texts = [_text_of(item) for item in value or []]
    is_builtin = inner.kind in LABELS or label(TypeRef("list", element=inner)) == "strings"
    if not texts and is_builtin and inner.kind not in {"float", "bool"}:
        return ""
    return "[" + ",".join(texts) + "]"


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, float) else str(value)


def parser(type_: TypeRef) -> Callable[[str], Any]:
    """The function that reads an option's text; it raises ValueError with Dagger's words."""
    if type_.element is None:
        return _scalar_parser(type_)
    read = _scalar_parser(type_.element)
    split = _splitter(type_.element)
    return lambda text: [read(item) for item in split(text)]


def _splitter(inner: TypeRef) -> Callable[[str], list[str]]:
    if inner.kind in {"int", "float"}:
        return lambda text: text.split(",")
    if inner.kind == "string" or label(TypeRef("list", element=inner)) == "strings":
        return read_csv
    # Dagger removes every quote from lists of its own types and trims the items.
    return lambda text: [item.strip() for item in read_csv(re.sub("[\"'`]", "", text))]


def _scalar_parser(type_: TypeRef) -> Callable[[str], Any]:
    readers: dict[str, Callable[[str], Any]] = {
        "int": parse_int,
        "float": parse_float,
        "bool": parse_bool,
    }
    if type_.kind == "enum":
        return lambda text: _parse_enum(type_, text)
    if type_.name == "PortForward":
        return parse_port_forward
    if type_.name == "BuildArg":
        return parse_build_arg
    if what := NEVER_EMPTY.get(type_.name):
        return lambda text: _not_empty(text, what)
    return readers.get(type_.kind, str)


def _parse_enum(type_: TypeRef, text: str) -> Any:
    for name, member in type_.members.items():
        if name.lower() == text.lower():
            return member
    raise ValueError(f"value should be one of {label(type_)}")


def _not_empty(text: str, what: str) -> str:
    if not text:
        raise ValueError(f"{what} cannot be empty")
    return text


def parse_int(text: str) -> int:
    """Read an integer as Go's strconv.ParseInt does with base 0."""
    octal = re.fullmatch(r"([+-]?)0([0-7_]+)", text)
    try:
        # int() would take spaces around the number.
        value = int(f"{octal[1]}0o{octal[2]}" if octal else _without_space(text), 0)
    except ValueError:
        raise ValueError(f"strconv.ParseInt: parsing {quoted(text)}: invalid syntax") from None
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"strconv.ParseInt: parsing {quoted(text)}: value out of range")
    return value


def parse_float(text: str) -> float:
    """Read a float as Go's strconv.ParseFloat does."""
    try:
        return float(_without_space(text).replace("_", "?"))
    except ValueError:
        raise ValueError(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax") from None


def _without_space(text: str) -> str:
    return "?" if text != text.strip() else text


def parse_port_forward(text: str) -> dict[str, int]:
    """Read ``frontend:backend``."""
    frontend, colon, backend = _not_empty(text, "portForward setting").partition(":")
    if not colon:
        raise ValueError(f"portForward setting not in the form of frontend:backend: {quoted(text)}")
    for name, port in (("frontend", frontend), ("backend", backend)):
        if not re.fullmatch(r"[+-]?\d+", port):
            raise ValueError(f"portForward {name} not a valid integer: {quoted(port)}")
    return {"frontend": int(frontend), "backend": int(backend)}


def parse_build_arg(text: str) -> dict[str, str]:
    """Read ``name=value``."""
    if "=" not in text:
        raise ValueError(f"{text} must be formatted as name=value")
    name, _, value = text.strip('"').partition("=")
    if not name:
        raise ValueError(f"{text} cannot have an empty name")
    return {"name": name, "value": value}


def read_csv(text: str) -> list[str]:
    """Read one line of comma-separated values, strict about quotes as Go is."""
    fields: list[str] = []
    at = 0
    while text:
        opened = CSV_OPENED.match(text, at)
        found = CSV_FIELD.match(text, at)
        if opened and not found:
            raise ValueError(f"parse error on line 1, column {opened.end() + 1}: {EXTRANEOUS}")
        field = _field(text, at, found)
        if not found and '"' in field:
            column = at + field.index('"') + 1
            raise ValueError(f'parse error on line 1, column {column}: bare " in non-quoted-field')
        fields.append(field)
        at = found.end() if found else at + len(field)
        if not text.startswith(",", at):
            break
        at += 1
    return fields


def _field(text: str, at: int, quoted_field: re.Match[str] | None) -> str:
    if quoted_field:
        return quoted_field[1].replace('""', '"')
    return re.split("[,\n]", text[at:], maxsplit=1)[0]
