"""Loads a Python Dagger module, describes it, and runs its functions in this process.

Everything here that is not documented by `dagger.mod` is used in this file alone, and
tests/cli/test_private_api.py says what broke when another dagger-io changes it.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import importlib
import importlib.util
import inspect
import json
import logging
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .core import core_object, core_type, enum_members, without_none
from .dotenv import EnvFile, describe_defaults, with_defaults
from .model import Argument, Function, ModuleError, ObjectDef, TypeRef
from .names import (
    namespaced,
    to_camel,
    to_kebab,
    to_lower_camel,
    to_snake,
)

ENTRY_POINTS = "dagger.mod"


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where a module is: its directory (with dagger.json), its code, and what Dagger calls the
    context, the git repository around it."""

    name: str
    root: Path
    code: Path
    context: Path


def find_source(reference: str = "") -> Source:
    """Find the module at `reference`, or upwards from the working directory.

    Raises:
        ModuleError: there is none, or it needs more than this engine has.
    """
    if "://" in reference or reference.startswith(("github.com/", "git@")):
        raise ModuleError(f"module {reference} is not on this machine: use Dagger for it")
    start = Path(reference or ".").resolve()
    if not start.is_dir():
        raise ModuleError(f"there is no directory {start}: name a module with -m PATH")
    for folder in (start, *start.parents):
        if (folder / "dagger.json").is_file():
            return _read_source(folder)
    raise ModuleError(f"no dagger.json in {start} or above: name a module with -m PATH")


def _read_source(root: Path) -> Source:
    try:
        config = json.loads((root / "dagger.json").read_text())
        name = config["name"]
    except (ValueError, KeyError) as error:
        raise ModuleError(f"{root / 'dagger.json'} is not a module's: {error!r}") from error
    if config.get("dependencies") or config.get("toolchains") or config.get("blueprint"):
        raise ModuleError(f"module {name} needs other modules: use Dagger for it")
    sdk = config.get("sdk") or {}
    if (sdk.get("source") if isinstance(sdk, dict) else sdk) != "python":
        raise ModuleError(f"module {name} is not written in Python: use Dagger for it")
    context = next((up for up in (root, *root.parents) if (up / ".git").exists()), root)
    return Source(name, root, (root / config.get("source", ".")).resolve(), context)


class Module:
    """A loaded module."""

    def __init__(self, source: Source, main: type) -> None:
        self.source = source
        # Set by @object_type on every class of the module.
        self._mod = main.__dagger_module__  # type: ignore[attr-defined]
        self._main = main.__dagger_object_type__  # type: ignore[attr-defined]
        self._mod._main = self._main
        # We print the error ourselves, once.
        self._mod.log_exceptions = False
        self._names = {_cls: namespaced(name, source.name) for name, _cls in self._classes()}
        self.objects = {
            self._names[object_type.cls]: self._object(object_type)
            for object_type in self._mod._objects.values()
        }
        self.main = self.objects[self._names[self._main.cls]]

    @classmethod
    def load(cls, source: Source) -> Module:
        """Import the module as Dagger's runtime does, by its entry point or the default names.

        Raises:
            ModuleError: its main object cannot be found or is not decorated.
        """
        for folder in (source.code, source.code / "src"):
            if folder.is_dir():
                sys.path.insert(0, str(folder))
        package, _, attribute = _entry_point(source).partition(":")
        found = importlib.import_module(package)
        where = Path(inspect.getfile(found)).resolve()
        if not where.is_relative_to(source.code):
            raise ModuleError(f"package {package} was read from {where}, not from {source.code}")
        main: Any = getattr(found, attribute, None)
        if not hasattr(main, "__dagger_object_type__"):
            raise ModuleError(f"{package}:{attribute} must be a class with @dagger.object_type")
        return cls(source, main)

    def apply_defaults(self, defaults: EnvFile) -> list[str]:
        """Give the arguments of every function their defaults from `.env`; say which ones."""
        said = []
        for name, described in self.objects.items():
            owner = self.python_name(described)
            functions = (*described.functions, described.constructor)
            changed = [
                function and with_defaults(function, self.source.name, owner, defaults)
                for function in functions
            ]
            self.objects[name] = ObjectDef(
                name, tuple(function for function in changed[:-1] if function), changed[-1]
            )
            said += [
                line
                for function in changed
                if function
                for line in describe_defaults(function, self.source.name)
            ]
        self.main = self.objects[self.main.name]
        return said

    def provider(self, type_: TypeRef) -> ObjectDef | None:
        """The object type whose functions can follow a value of this type."""
        inner = type_.inner
        if inner.kind != "object":
            return None
        return core_object(inner.name) if inner.is_core else self.objects[inner.name]

    async def invoke(
        self, owner: ObjectDef, state: Any, function: Function, inputs: Mapping[str, Any]
    ) -> Any:
        """Run a function; what it gets and returns has been through JSON, as in Dagger.

        Args:
            owner: The object's type.
            state: The object's fields; None for the constructor.
            function: One of the type's functions, or its constructor.
            inputs: API primitives (objects as IDs) by the argument's API name.
        """
        cls = next(cls for cls, name in self._names.items() if name == owner.name)
        if function.is_field:
            return state[function.python_name]
        named = {
            argument.python_name: inputs[argument.name]
            for argument in function.arguments
            if argument.name in inputs
        }
        result, called = await self._mod.get_structured_result(
            cls.__name__, state or {}, function.python_name, named
        )
        if called.return_type is None:
            return None
        return await self._mod.unstructure(result, called.return_type)

    async def from_id(self, identifier: str, type_: TypeRef) -> Any:
        """The client's object for an ID."""
        return await self._mod.structure(identifier, type_.python)

    def python_name(self, owner: ObjectDef) -> str:
        """The class's name in the module."""
        return next(cls.__name__ for cls, name in self._names.items() if name == owner.name)

    def _classes(self) -> list[tuple[str, type]]:
        objects = [(kind.cls.__name__, kind.cls) for kind in self._mod._objects.values()]
        return objects + [(cls.__name__, cls) for cls in self._mod._enums.values()]

    def _object(self, object_type: Any) -> ObjectDef:
        is_main = object_type is self._main
        functions = [self._field(object_type, field) for field in object_type.fields.values()]
        functions += [
            self._function(function)
            for name, function in object_type.functions.items()
            if name != ""
        ]
        constructor = object_type.get_constructor(self._mod._converter) if is_main else None
        return ObjectDef(
            self._names[object_type.cls],
            tuple(functions),
            constructor and self._function(constructor, name=""),
        )

    def _field(self, owner: Any, field: Any) -> Function:
        from dagger.mod._utils import get_doc

        hint = inspect.get_annotations(owner.cls, eval_str=True)[field.original_name]
        name = to_lower_camel(field.name)
        returns = self._type(_bare(hint))
        doc = get_doc(hint) or ""
        return Function(name, to_kebab(name), field.name, doc, returns, is_field=True)

    def _function(self, function: Any, *, name: str | None = None) -> Function:
        api_name = to_lower_camel(function.name) if name is None else name
        arguments = tuple(self._argument(item) for item in function.parameters.values())
        returns = self._type(function.return_type)
        python_name = function.name if name is None else name
        doc = function.doc or ""
        return Function(api_name, to_kebab(api_name), python_name, doc, returns, arguments)

    def _argument(self, parameter: Any) -> Argument:
        name = to_lower_camel(parameter.name)
        kind = self._type(parameter.resolved_type)
        return Argument(
            name,
            to_kebab(name),
            parameter.name,
            dataclasses.replace(kind, optional=kind.optional or parameter.is_nullable),
            parameter.doc or "",
            parameter.default_value or "",
            parameter.default_path or "",
            parameter.default_address or "",
            tuple(parameter.ignore or ()),
        )

    def _type(self, annotation: Any) -> TypeRef:
        from dagger.mod._utils import list_of

        annotation, optional = without_none(annotation)
        if annotation is None:
            return TypeRef("void")
        if annotation in self._names:
            return self._own_type(annotation, optional=optional)
        if known := core_type(annotation):
            return dataclasses.replace(known, optional=known.optional or optional)
        if element := list_of(annotation):
            return TypeRef("list", optional=optional, element=self._type(element))
        raise ModuleError(f"type {annotation!r} is not one that Dagger knows")

    def _own_type(self, cls: type, *, optional: bool) -> TypeRef:
        name = self._names[cls]
        if issubclass(cls, enum.Enum):
            members = enum_members(cls)
            return TypeRef("enum", name, optional, members=members, python=cls, is_core=False)
        return TypeRef("object", name, optional, python=cls, is_core=False)


def state_digest(owner: str, state: Any) -> str:
    """A stable digest of an object of the module, to print it by."""
    text = json.dumps([owner, state], sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def silence_client_logs() -> None:
    """Keep the client's own tracebacks off the terminal: the error is printed once, by us."""
    logging.getLogger("dagger").setLevel(logging.CRITICAL)


def _bare(hint: Any) -> Any:
    return hint.__origin__ if hasattr(hint, "__metadata__") else hint


def _entry_point(source: Source) -> str:
    project = source.code / "pyproject.toml"
    if project.is_file():
        tables = tomllib.loads(project.read_text()).get("project", {}).get("entry-points", {})
        if named := tables.get(ENTRY_POINTS, {}).get("main_object"):
            return str(named)
    main = to_camel(source.name)
    # Dagger's runtime passes the first as DAGGER_DEFAULT_PYTHON_PACKAGE.
    for package in (to_snake(source.name), "main"):
        if importlib.util.find_spec(package):
            return f"{package}:{main}"
    raise ModuleError(
        f"no main object in {source.code}: pyproject.toml needs "
        f'[project.entry-points."{ENTRY_POINTS}"] main_object = "package:{main}"'
    )
