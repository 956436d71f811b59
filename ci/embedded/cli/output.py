"""Prints results as Dagger's CLI prints them.

Source: Dagger v0.21.8, cmd/dagger/functions.go ``handleResponse``, ``printPlainResult``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

from .call import ObjectId, Result
from .gotext import json_number, number
from .model import TypeRef


def show(
    result: Result, *, as_json: bool, path: str, exported: bool, out: TextIO, log: TextIO
) -> None:
    """Write a result.

    Args:
        path: The file or folder of --output; "" without it.
        exported: The engine has already written the path, and the result is its name.
        out: Standard output, for the result alone.
        log: Standard error.
    """
    if result.type.kind == "void":
        return
    if exported:
        log.write(f'Saved to "{result.value}".\n')
        return
    if result.type.holds_objects:
        out.write(_objects(result.type, result.value))
        return
    text = _json(result.value) if as_json else plain(result.value)
    if path:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        log.write(f'Saved output to "{target.resolve()}".\n')
    out.write(text)
    if out.isatty() and not text.endswith("\n"):
        out.write("\n")


def plain(value: Any) -> str:
    """Text of a value: each item of a list on its line, nothing after a single one."""
    if isinstance(value, list):
        return "".join(plain(item) + "\n" for item in value)
    if isinstance(value, dict):
        return "".join(plain(item) for item in value.values())
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value)


def _objects(type_: TypeRef, value: Any) -> str:
    if type_.element:
        return "".join(f"- {_objects(type_.element, item)}" for item in value or [])
    found = value["id"] if isinstance(value, dict) else value
    return f"{found.type_name}@{found.digest}\n" if isinstance(found, ObjectId) else "\n"


def _json(value: Any) -> str:
    text = json.dumps(_go_value(value), indent=4, ensure_ascii=False, sort_keys=True)
    return text + "\n"


def _go_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_go_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _go_value(item) for name, item in value.items()}
    return json_number(value)
