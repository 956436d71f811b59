"""The part of an image that says how it runs, as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

# Kept as they are: Dagger's API reads and changes none of them here.
PASSED_ON = ("Healthcheck", "StopSignal", "Volumes", "Shell", "OnBuild", "ArgsEscaped")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)


class ExposedPort(NamedTuple):
    """A port and what Dagger keeps with it."""

    port: int
    protocol: str = "TCP"
    description: str | None = None
    skip_healthcheck: bool = False


def _frozen(values: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    return MappingProxyType(dict(values or {}))


@dataclass(frozen=True)
class ImageConfig:
    """Environment, user, command and so on of a container."""

    env: Mapping[str, str] = field(default_factory=_frozen)
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=_frozen)
    annotations: Mapping[str, str] = field(default_factory=_frozen)
    ports: tuple[ExposedPort, ...] = ()
    passed_on: Mapping[str, Any] = field(default_factory=_frozen)

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> ImageConfig:
        """Read the ``config`` object of an image's config JSON."""
        ports = (port.partition("/") for port in config.get("ExposedPorts") or ())
        return cls(
            env=_frozen(dict(pair.partition("=")[::2] for pair in config.get("Env") or ())),
            user=config.get("User") or "",
            workdir=config.get("WorkingDir") or "",
            entrypoint=tuple(config.get("Entrypoint") or ()),
            args=tuple(config.get("Cmd") or ()),
            labels=_frozen(config.get("Labels")),
            ports=tuple(
                ExposedPort(int(number), (protocol or "tcp").upper())
                for number, _, protocol in ports
            ),
            passed_on=_frozen({key: config[key] for key in PASSED_ON if config.get(key)}),
        )

    def render(self) -> dict[str, Any]:
        """The ``config`` object of an image's config JSON."""
        values = {
            "User": self.user,
            "ExposedPorts": {f"{port.port}/{port.protocol.lower()}": {} for port in self.ports},
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.args),
            "WorkingDir": self.workdir,
            "Labels": dict(self.labels),
        }
        return {**{key: value for key, value in values.items() if value}, **self.passed_on}

    def put(self, what: str, name: str, value: str) -> ImageConfig:
        """A copy with a name of `env`, `labels` or `annotations` set; it moves to the end."""
        changes: dict[str, Any] = {what: _frozen({**self._less(what, name), name: value})}
        return replace(self, **changes)

    def drop(self, what: str, name: str) -> ImageConfig:
        """A copy without one name of `env`, `labels` or `annotations`."""
        changes: dict[str, Any] = {what: _frozen(self._less(what, name))}
        return replace(self, **changes)

    def _less(self, what: str, name: str) -> dict[str, str]:
        return {key: value for key, value in getattr(self, what).items() if key != name}


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace ``$NAME`` and ``${NAME}``; an unset name becomes empty."""
    return _VARIABLE.sub(lambda match: env.get(match.group(1) or match.group(2), ""), text)
