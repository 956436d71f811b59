"""The API's own types (Container, Directory, ...), read from the installed client.

The client is generated from the schema, so its signatures and docstrings are the schema; reading
them starts no engine.
"""

from __future__ import annotations

import enum
import functools
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterable
from typing import Any

import dagger
from dagger.client.base import Input, Scalar, Type

from .model import Argument, Function, ObjectDef, TypeRef
from .names import to_kebab, to_lower_camel, to_screaming_snake

BUILTINS = {str: "string", int: "int", float: "float", bool: "bool", type(None): "void"}
# Conveniences of the Python client that are not in the API.
NOT_IN_API = {"with_", "id"}
# The generator's line length.
WRAPPED_AT = 70
# Sections that numpy-style docstrings end the description with.
SECTION = re.compile(r"^(Parameters|Returns|Raises|Example|Note)\n-+$", re.MULTILINE)


def core_type(annotation: Any) -> TypeRef | None:
    """The API's type for a Python annotation; None where it is not one of the API's."""
    annotation, optional = without_none(annotation)
    if annotation in BUILTINS:
        return TypeRef(BUILTINS[annotation], optional=optional)
    if typing.get_origin(annotation) is list:
        element = core_type(typing.get_args(annotation)[0])
        return element and TypeRef("list", optional=optional, element=element)
    if not inspect.isclass(annotation):
        return None
    return _class_type(annotation, optional=optional)


def without_none(annotation: Any) -> tuple[Any, bool]:
    """Split ``X | None`` into X and True."""
    if typing.get_origin(annotation) not in (types.UnionType, typing.Union):
        return annotation, False
    rest = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
    joined = functools.reduce(lambda left, right: left | right, rest)
    return joined, len(rest) < len(typing.get_args(annotation))


def _class_type(cls: type, *, optional: bool) -> TypeRef | None:
    name = cls.__name__
    # The client's type checker leaves proxies with the right name for forward references.
    if not isinstance(cls, enum.EnumMeta) and not issubclass(cls, (Scalar, Input, Type)):
        cls = getattr(dagger, name, cls)
    if issubclass(cls, enum.Enum):
        return TypeRef("enum", name, optional, members=enum_members(cls), python=cls)
    for base, kind in ((Scalar, "scalar"), (Input, "input"), (Type, "object")):
        if issubclass(cls, base):
            is_void = name == "Void"
            return TypeRef("void" if is_void else kind, name, optional, python=cls)
    return None


def enum_members(cls: type[enum.Enum]) -> dict[str, enum.Enum]:
    """An enum's members by the API's names, which are in capitals: ``EStarGZ`` is ``E_STAR_GZ``."""
    members = {}
    for name, member in cls.__members__.items():
        is_conventional = name[:1].isupper() and name.upper() == name
        members[name if is_conventional else to_screaming_snake(name)] = member
    return members


@functools.cache
def core_object(name: str) -> ObjectDef:
    """The API's object type of that name."""
    cls = getattr(dagger, name)
    found = (_core_function(cls, attr, method) for attr, method in vars(cls).items())
    functions = tuple(function for function in found if function)
    return ObjectDef(name, functions)


def _core_function(cls: type, attr: str, method: Any) -> Function | None:
    if attr.startswith("_") or attr in NOT_IN_API or not inspect.isfunction(method):
        return None
    # One read of the hints for the whole signature: forward references are names of the client's
    # module, `Self` is the class.
    hints = {
        name: cls if hint is typing.Self else hint
        for name, hint in typing.get_type_hints(inspect.unwrap(method)).items()
    }
    returns = core_type(hints.pop("return"))
    if returns is None:
        return None
    doc, about = _read_docstring(inspect.getdoc(method) or "")
    parameters = list(inspect.signature(method).parameters.values())[1:]
    arguments = tuple(_core_argument(item, hints[item.name], about) for item in parameters)
    if any(argument is None for argument in arguments):
        return None
    api_name = to_lower_camel(attr.rstrip("_"))
    known = tuple(argument for argument in arguments if argument)
    return Function(api_name, to_kebab(api_name), attr, doc, returns, known, is_core=True)


def _core_argument(
    parameter: inspect.Parameter, annotation: Any, about: dict[str, str]
) -> Argument | None:
    kind = core_type(annotation)
    if kind is None:
        return None
    name = to_lower_camel(parameter.name.rstrip("_"))
    default = parameter.default
    if default is inspect.Parameter.empty or default is None:
        text = ""
    else:
        text = json.dumps(default.name if isinstance(default, enum.Enum) else default)
    doc = about.get(parameter.name, "")
    return Argument(name, to_kebab(name), parameter.name, kind, doc, text)


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Split a generated docstring into the description and the text of each parameter."""
    parts = SECTION.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    about: dict[str, list[str]] = {}
    name = ""
    for line in sections.get("Parameters", "").strip().splitlines():
        if line.lstrip().startswith(".. "):
            name = ""
        elif line and not line[0].isspace():
            name = line.rstrip(":")
        elif name:
            about.setdefault(name, []).append(line.strip())
    plain = parts[0].partition("\n.. ")[0].strip().splitlines()
    description = "\n".join(_unwrapped(plain, WRAPPED_AT))
    # The generator drops the empty lines between a parameter's paragraphs.
    narrow = WRAPPED_AT - len("    ")
    return description, {
        name: "\n\n".join(_unwrapped(lines, narrow)) for name, lines in about.items()
    }


def _unwrapped(lines: Iterable[str], width: int) -> list[str]:
    """Undo the generator's wrapping: join a line with the next where that would not have fitted."""
    out: list[str] = []
    previous = ""
    for line in lines:
        is_cut = previous.endswith("-") or (previous.endswith(' "') and line.startswith("--"))
        glue = "" if is_cut else " "
        if previous and line and textwrap.wrap(previous + glue + line, width)[0] == previous:
            out[-1] += glue + line
        else:
            out.append(line)
        previous = line
    return out
