"""Dagger's GraphQL schema, derived from the client that is installed.

So the server knows every field that the client can ask for and refuses by name what it does not
serve, and no copy of Dagger's schema has to be kept.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    introspection_from_schema,
)

_SCALARS = {"str": "String", "int": "Int", "float": "Float", "bool": "Boolean"}
# Interfaces that a type implements when it has the field; Changeset's export has another shape.
_IMPLIED = {"Node": "id", "Syncer": "sync", "Exportable": "export"}
_NOT_EXPORTABLE = "Changeset"
VERSION = "2"  # of what is derived; a change of this file needs another


def client_source() -> Path:
    """The generated module of the installed client."""
    spec = importlib.util.find_spec("dagger")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("dagger-io is not installed")
    return Path(spec.origin).parent / "client" / "gen.py"


def load(cache: Path) -> tuple[GraphQLSchema, Path]:
    """The schema, and where the answer to the client's introspection may be kept."""
    source = client_source()
    status = source.stat()
    key = hashlib.sha256(
        f"{VERSION}{source}{status.st_mtime_ns}{status.st_size}".encode()
    ).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{key}.types"
    if not kept.exists():
        beside = kept.with_suffix(".new")
        derived = build_schema(Derivation(source.read_text()).sdl(), assume_valid=True)
        beside.write_text(json.dumps(introspection_from_schema(derived, descriptions=False)))
        beside.replace(kept)
    # Read in a fraction of the time that the definition language takes.
    types = build_client_schema(json.loads(kept.read_text()), assume_valid=True)
    return types, cache / f"{key}.introspection"


def _parse(source: str) -> ast.Module:
    """Parse with no garbage collected meanwhile: that may format a traceback, which parses too, and
    CPython 3.11 does one at a time ("AST constructor recursion depth mismatch").
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if was_enabled:
            gc.enable()


class Derivation:
    """Reads the classes of the client's generated module."""

    def __init__(self, source: str) -> None:
        classes = [
            node for node in _parse(source).body if isinstance(node, ast.ClassDef) and node.bases
        ]
        self.by_base: dict[str, dict[str, ast.ClassDef]] = {}
        for node in classes:
            self.by_base.setdefault(ast.unparse(node.bases[0]), {})[node.name] = node
        self.objects = {**self._classes("Type"), **self._classes("Root")}
        self.interfaces = {
            name for name in self._classes("Protocol") if f"_{name}Client" in self.objects
        }

    def _classes(self, base: str) -> dict[str, ast.ClassDef]:
        return self.by_base.get(base, {})

    def sdl(self) -> str:
        """The schema in GraphQL's definition language."""
        parts = [f"scalar {name}" for name in self._classes("Scalar")]
        parts += [self._enum(name, node) for name, node in self._classes("Enum").items()]
        parts += [self._input(name, node) for name, node in self._classes("Input").items()]
        parts += [self._object(name, node) for name, node in self.objects.items()]
        return "\n".join(parts)

    def _enum(self, name: str, node: ast.ClassDef) -> str:
        values = (item.targets[0] for item in node.body if isinstance(item, ast.Assign))
        return f"enum {name} {{ {' '.join(ast.unparse(value) for value in values)} }}"

    def _input(self, name: str, node: ast.ClassDef) -> str:
        items = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        fields = (
            f"{_camel(ast.unparse(i.target))}: {self._type(i.annotation, name, result=False)}"
            for i in items
        )
        return f"input {name} {{ {' '.join(fields)} }}"

    def _object(self, class_name: str, node: ast.ClassDef) -> str:
        name = (
            class_name.removeprefix("_").removesuffix("Client")
            if class_name.startswith("_")
            else class_name
        )
        methods = [m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)]
        fields = dict(
            f for m in methods if not m.name.startswith("__") for f in self._field(m, name)
        )
        body = "\n".join(f"  {text}" for text in fields.values())
        if class_name.startswith("_") and name in self.interfaces:
            return f"interface {name} {{\n{body}\n}}"
        implied = [i for i, f in _IMPLIED.items() if i in self.interfaces and f in fields]
        if name == _NOT_EXPORTABLE and "Exportable" in implied:
            implied.remove("Exportable")
        implements = f" implements {' & '.join(implied)}" if implied else ""
        return f"type {name}{implements} {{\n{body}\n}}"

    def _field(
        self, method: ast.FunctionDef | ast.AsyncFunctionDef, owner: str
    ) -> Iterator[tuple[str, str]]:
        """Name and definition of the field that a method of the client selects, if any."""
        calls = [node for node in ast.walk(method) if isinstance(node, ast.Call)]
        named = {ast.unparse(call.func).rpartition(".")[2]: call for call in reversed(calls)}
        by_id = named.get("execute_sync")
        if (select := named.get("_select")) is not None and select.args:
            field = ast.literal_eval(select.args[0])
        elif by_id is not None:
            field = ast.literal_eval(by_id.args[1]) if len(by_id.args) > 1 else "sync"
        else:
            return
        arguments = [
            self._argument(call, method, owner) for call in calls if ast.unparse(call.func) == "Arg"
        ]
        listed = f"({', '.join(arguments)})" if arguments else ""
        result = self._result(method, owner, by_id=by_id is not None or field == "id")
        yield field, f"{field}{listed}: {result}"

    def _result(
        self, method: ast.FunctionDef | ast.AsyncFunctionDef, owner: str, *, by_id: bool
    ) -> str:
        if by_id:
            return "ID!"
        result = self._type(method.returns, owner, result=True) if method.returns else "None!"
        return "Void" if result == "None!" else result

    def _argument(
        self, call: ast.Call, method: ast.FunctionDef | ast.AsyncFunctionDef, owner: str
    ) -> str:
        parameters = {arg.arg: arg for arg in (*method.args.args, *method.args.kwonlyargs)}
        used = [node.id for node in ast.walk(call.args[1]) if isinstance(node, ast.Name)]
        annotation = parameters[next(name for name in used if name in parameters)].annotation
        kind = self._type(annotation, owner, result=False)
        text = f"{ast.literal_eval(call.args[0])}: "
        if len(call.args) < 3:
            return text + kind
        default = call.args[2]
        is_none = isinstance(default, ast.Constant) and default.value is None
        return text + kind.rstrip("!") + ("" if is_none else f" = {_literal(default)}")

    def _type(self, node: ast.expr | None, owner: str, *, result: bool) -> str:
        """A type annotation as GraphQL; object types are passed as IDs."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        if isinstance(node, ast.BinOp):  # X | None
            return self._type(node.left, owner, result=result).rstrip("!")
        if isinstance(node, ast.Subscript):
            return f"[{self._type(node.slice, owner, result=result)}]!"
        name = ast.unparse(node) if node is not None else "None"
        name = owner if name == "Self" else name
        if name == "Type" or (not result and (name in self.objects or name in self.interfaces)):
            return "ID!"
        return _SCALARS.get(name, name) + "!"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _literal(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else json.dumps(ast.literal_eval(node))
