"""What the command line knows of a module and of the API: types, arguments, functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How the API calls the kinds; `functions` prints them in one of its errors.
KINDS = {
    "string": "STRING_KIND",
    "int": "INTEGER_KIND",
    "float": "FLOAT_KIND",
    "bool": "BOOLEAN_KIND",
    "void": "VOID_KIND",
    "scalar": "SCALAR_KIND",
    "enum": "ENUM_KIND",
    "input": "INPUT_KIND",
    "object": "OBJECT_KIND",
    "list": "LIST_KIND",
}


class UsageError(Exception):
    """The command line is wrong. The text is what Dagger's CLI says, without `Error:`."""

    def __init__(self, message: str, *, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


class ModuleError(Exception):
    """The module cannot be read; the text says why and what to change."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as the API sees it."""

    kind: str
    name: str = ""
    optional: bool = False
    element: TypeRef | None = None
    members: Mapping[str, Any] = field(default_factory=dict)  # API name -> Python enum member
    python: Any = None
    is_core: bool = True

    @property
    def inner(self) -> TypeRef:
        """The type that functions are looked up on: a list's element, else the type itself."""
        return self.element.inner if self.element else self

    @property
    def holds_objects(self) -> bool:
        """Whether it is an object or a list of objects."""
        return self.inner.kind == "object"


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a function. `default` is JSON text, as in the API; "" is none."""

    name: str
    flag: str
    python_name: str
    type: TypeRef
    doc: str = ""
    default: str = ""
    default_path: str = ""
    default_address: str = ""
    ignore: tuple[str, ...] = ()
    user_default: str | None = None  # from a .env file; for objects an address

    @property
    def is_required(self) -> bool:
        """Whether the command line must set it."""
        given = self.default or self.default_path or self.default_address
        return not (self.type.optional or given or self.user_default is not None)


@dataclass(frozen=True, slots=True)
class Function:
    """A function or a field (`is_field`): of the module, or of the API (`is_core`)."""

    name: str
    command: str
    python_name: str
    doc: str
    returns: TypeRef
    arguments: tuple[Argument, ...] = ()
    is_field: bool = False
    is_core: bool = False

    @property
    def short(self) -> str:
        """The description's first line."""
        return self.doc.split("\n", 1)[0] or "-"

    def argument(self, name: str) -> Argument | None:
        """The argument of that API name."""
        return next((arg for arg in self.arguments if arg.name == name), None)


@dataclass(frozen=True, slots=True)
class ObjectDef:
    """An object type with its functions; fields count as functions without arguments."""

    name: str
    functions: tuple[Function, ...]
    constructor: Function | None = None

    def find(self, command: str) -> Function | None:
        """The function that is typed as `command`."""
        return next((fn for fn in self.functions if fn.command == command), None)
