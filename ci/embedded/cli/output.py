"""Results as Dagger's CLI prints them.

Source: Dagger v0.21.8, cmd/dagger/functions.go ``handleResponse``, ``printPlainResult``.
"""

from __future__ import annotations

import json
from typing import Any

from .call import ObjectId
from .gotext import json_number, number
from .model import TypeRef


def render(type_: TypeRef, value: Any, *, as_json: bool) -> str:
    """The text of a result; objects print as ``Type@digest`` with or without --json."""
    if type_.kind == "void":
        return ""
    if type_.holds_objects:
        return _objects(value)
    return _json(value) if as_json else _plain(value)


def _plain(value: Any) -> str:
    """Text of a value: each item of a list on its line, nothing after a single one."""
    if isinstance(value, list):
        return "".join(_plain(item) + "\n" for item in value)
    if isinstance(value, dict):
        return "".join(_plain(item) for item in value.values())
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value)


def _objects(value: Any) -> str:
    """``Type@digest`` on a line, each after a dash in a list."""
    if isinstance(value, list):
        return "".join("- " + _objects(item) for item in value)
    if isinstance(value, dict):
        # In a list each object stands under the names that led to it.
        return "".join(_objects(item) for item in value.values())
    return f"{value.type_name}@{value.digest}\n" if isinstance(value, ObjectId) else "\n"


def _json(value: Any) -> str:
    text = json.dumps(_go_value(value), indent=4, ensure_ascii=False, sort_keys=True)
    return text + "\n"


def _go_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_go_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _go_value(item) for name, item in value.items()}
    return json_number(value)
