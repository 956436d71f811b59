"""JSON as a registry must send it: one meaning, bounded in size and depth."""

import json
from typing import Any, NoReturn

from ci.errors import ManifestInvalid, ManifestTooLarge
from ci.oci.text import shown

MANIFEST_LIMIT_BYTES = 4 * 1024 * 1024
DEPTH_LIMIT = 64
_INTEGER_DIGITS = 19
REMEDY = "publish again under a new tag: ./daggerw call publish --tag $(./daggerw call tag)"


def parse_json(raw: bytes, limit_bytes: int = MANIFEST_LIMIT_BYTES) -> dict[str, Any]:
    """Read a JSON object that every reader understands in the same way.

    Raises:
        ManifestTooLarge: more bytes than `limit_bytes`.
        ManifestInvalid: not UTF-8, a duplicate key, NaN, a huge number, too deep, no object.
    """
    if len(raw) > limit_bytes:
        raise ManifestTooLarge(f"{len(raw)} bytes, more than {limit_bytes}", remedy=REMEDY)
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=lambda text: _refuse(f"the number {text}"),
            parse_int=_integer,
        )
    except RecursionError:
        _refuse("nesting that is too deep")
    except ValueError as error:
        _refuse(f"no JSON: {shown(str(error))}")
    if not isinstance(value, dict):
        _refuse(f"a {type(value).__name__} instead of an object")
    _check_depth(value)
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    _refuse("nesting that is too deep")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        _refuse(f"the key {shown(next(k for k in keys if keys.count(k) > 1))} twice")
    return found


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > _INTEGER_DIGITS:
        _refuse(f"a number of {len(text)} digits")
    return int(text)


def _refuse(what: str) -> NoReturn:
    raise ManifestInvalid(f"the document holds {what}", remedy=REMEDY)
