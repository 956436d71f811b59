"""Objects that only carry values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ci.embedded.types.base import Api


@dataclass(frozen=True, eq=False)
class EnvVariable(Api):
    """A variable of a container."""

    typename: ClassVar[str] = "EnvVariable"
    name: str
    value: str


@dataclass(frozen=True, eq=False)
class Label(Api):
    """A label of a container."""

    typename: ClassVar[str] = "Label"
    name: str
    value: str


@dataclass(frozen=True, eq=False)
class Port(Api):
    """A port of a container or service."""

    typename: ClassVar[str] = "Port"
    port: int
    protocol: str = "TCP"
    description: str | None = None
    experimental_skip_healthcheck: bool = False
