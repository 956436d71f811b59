"""Text as Go and its libraries write it, because Dagger's CLI is a Go program."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def quoted(text: str) -> str:
    """Text in Go's double quotes (``%q``)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


def number(value: float) -> str:
    """A number as ``%v`` prints a float64: 1000000 is ``1e+06``.

    Every number of an API response is a float64 to Dagger's CLI.
    """
    text = repr(float(value))
    if text in {"nan", "inf", "-inf"}:
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[text]
    sign, digits, exponent = _decimal(text)
    if exponent < -4 or exponent >= 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    # Python turns to an exponent at the same -4, and far above 6: the rest is alike.
    return text.removesuffix(".0")


def _decimal(text: str) -> tuple[str, str, int]:
    match = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?", text)
    assert match
    whole, fraction = match[2], match[3] or ""
    digits = (whole + fraction).lstrip("0")
    exponent = int(match[4] or 0) + len(whole) - 1
    exponent -= len(whole + fraction) - len((whole + fraction).lstrip("0"))
    return match[1], digits.rstrip("0") or "0", exponent if digits else 0


def json_number(value: Any) -> Any:
    """A float that is whole goes into JSON as an integer, as Go's encoder writes it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def similar(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Names that may have been meant: at most two edits away, or beginning with the word."""
    return tuple(
        sorted(
            name
            for name in known
            if _distance(word.lower(), name.lower()) <= 2 or name.lower().startswith(word.lower())
        )
    )


def _distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for index, char in enumerate(left, 1):
        previous, row[0] = row[0], index
        for at, other in enumerate(right, 1):
            changed = previous + (char != other)
            previous, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, changed)
    return row[-1]
