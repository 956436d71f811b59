"""One table of ci.toml, read key by key: what was read, and everything that is wrong with it."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from ci.errors import PipelineError
from ci.oci.text import shown

_PATH = re.compile(r"(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\x00-\x1f\\]*[^\x00-\x1f\\/]", re.ASCII)
_URL_PATH = re.compile(r"/[A-Za-z0-9_./~-]*", re.ASCII)
T = TypeVar("T")


class Table:
    """One table of the file, noting what was read and what was wrong."""

    def __init__(self, value: object, path: str, faults: list[str]) -> None:
        self._values: dict[str, Any] = value if isinstance(value, dict) else {}
        self._path, self._faults, self._taken = path, faults, set[str]()
        if not isinstance(value, dict):
            faults.append(f"{path.rstrip('.')}: is no table")

    def names(self) -> tuple[str, ...]:
        """List the keys that are there."""
        return tuple(self._values)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def need(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """Read a key that must be there."""
        if key not in self._values:
            self._faults.append(f"{self._path}{key}: is missing")
        return self.take(key, read, default)

    def take(self, key: str, read: Callable[[Any], T], default: T) -> T:
        """Read a key; a fault is noted and the default stands in."""
        self._taken.add(key)
        if key not in self._values:
            return default
        try:
            return read(self._values[key])
        except PipelineError as error:
            self._faults.append(f"{self._path}{key}: {error.cause}")
        except ValueError as error:
            self._faults.append(f"{self._path}{key}: {error}")
        return default

    def table(self, key: str) -> "Table":
        """Open a table inside this one; an empty one where there is none."""
        self._taken.add(key)
        return Table(self._values.get(key, {}), f"{self._path}{key}.", self._faults)

    def refuse_others(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._taken:
                known = ", ".join(sorted(self._taken))
                self._faults.append(f"{self._path}{shown(key)}: unknown; known are {known}")


def read_text(value: object, pattern: re.Pattern[str], what: str) -> str:
    """Read text of a shape."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{shown(str(value))} is not {what}")
    return value


def read_path(value: object) -> str:
    """Read a path inside the source."""
    return read_text(value, _PATH, "a path inside the source")


def read_paths(value: object) -> tuple[str, ...]:
    """Read a list of paths inside the source."""
    return tuple(read_path(item) for item in read_list(value))


def read_url_path(value: object) -> str:
    """Read the path of a URL."""
    return read_text(value, _URL_PATH, "a path that begins with /")


def read_list(value: object) -> list[object]:
    """Read a list."""
    if not isinstance(value, list):
        raise ValueError("is no list")  # noqa: TRY004 - a fault of the file
    return value


def read_port(value: object) -> int:
    """Read a port."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
        raise ValueError(f"{shown(str(value))} is no port")
    return value


def read_count(value: object) -> int:
    """Read a whole number of 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{shown(str(value))} is no number of 1 or more")
    return value


def read_seconds(value: object) -> float:
    """Read a time in seconds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 3600:
        raise ValueError(f"{shown(str(value))} is not more than 0 and at most 3600 seconds")
    return float(value)
