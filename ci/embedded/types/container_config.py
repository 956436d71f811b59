"""The fields of Container that read or change its configuration."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ci.embedded.config import ExposedPort, ImageConfig
from ci.embedded.config import expand as expand_variables
from ci.embedded.types.base import Api
from ci.embedded.types.records import EnvVariable, Label, Port


@dataclass(frozen=True, eq=False)
class Configured(Api):
    """A container as far as its configuration goes."""

    platform: str
    config: ImageConfig = field(default_factory=ImageConfig)
    has_own_args: bool = False

    def _configured(self, **changes: Any) -> Self:
        return replace(self, config=replace(self.config, **changes))

    def _with(self, config: ImageConfig) -> Self:
        return replace(self, config=config)

    def absolute(self, path: str, *, expand: bool = False) -> str:
        """A path of the API, taken from the working directory."""
        path = expand_variables(path, self.config.env) if expand else path
        return posixpath.normpath(posixpath.join("/", self.config.workdir, path))

    # Environment ------------------------------------------------------------------------

    def with_env_variable(self, name: str, value: str, expand: bool = False) -> Self:
        value = expand_variables(value, self.config.env) if expand else value
        return self._with(self.config.put("env", name, value))

    def without_env_variable(self, name: str) -> Self:
        return self._with(self.config.drop("env", name))

    def env_variable(self, name: str) -> str | None:
        return self.config.env.get(name)

    def env_variables(self) -> list[EnvVariable]:
        return [EnvVariable(self.session, name, value) for name, value in self.config.env.items()]

    # Labels and annotations -------------------------------------------------------------

    def with_label(self, name: str, value: str) -> Self:
        return self._with(self.config.put("labels", name, value))

    def without_label(self, name: str) -> Self:
        return self._with(self.config.drop("labels", name))

    def label(self, name: str) -> str | None:
        return self.config.labels.get(name)

    def labels(self) -> list[Label]:
        return [Label(self.session, name, value) for name, value in self.config.labels.items()]

    def with_annotation(self, name: str, value: str) -> Self:
        return self._with(self.config.put("annotations", name, value))

    def without_annotation(self, name: str) -> Self:
        return self._with(self.config.drop("annotations", name))

    # User, directory, command -----------------------------------------------------------

    def with_workdir(self, path: str, expand: bool = False) -> Self:
        return self._configured(workdir=self.absolute(path, expand=expand))

    def without_workdir(self) -> Self:
        return self._configured(workdir="")

    def workdir(self) -> str:
        return self.config.workdir

    def with_user(self, name: str) -> Self:
        return self._configured(user=name)

    def without_user(self) -> Self:
        return self._configured(user="")

    def user(self) -> str:
        return self.config.user

    def with_entrypoint(self, args: Sequence[str], keep_default_args: bool = False) -> Self:
        kept = self.config.args if keep_default_args else ()
        return self._configured(entrypoint=tuple(args), args=kept)

    def without_entrypoint(self, keep_default_args: bool = False) -> Self:
        return self.with_entrypoint((), keep_default_args)

    def entrypoint(self) -> list[str]:
        return list(self.config.entrypoint)

    def with_default_args(self, args: Sequence[str]) -> Self:
        return replace(self._configured(args=tuple(args)), has_own_args=True)

    def without_default_args(self) -> Self:
        return self._configured(args=())

    def default_args(self) -> list[str]:
        return list(self.config.args)

    # Ports ------------------------------------------------------------------------------

    def with_exposed_port(
        self,
        port: int,
        protocol: str = "TCP",
        description: str | None = None,
        experimental_skip_healthcheck: bool = False,
    ) -> Self:
        added = ExposedPort(port, protocol, description, experimental_skip_healthcheck)
        return self._configured(ports=(*self._other_ports(port, protocol), added))

    def without_exposed_port(self, port: int, protocol: str = "TCP") -> Self:
        return self._configured(ports=self._other_ports(port, protocol))

    def _other_ports(self, port: int, protocol: str) -> tuple[ExposedPort, ...]:
        return tuple(p for p in self.config.ports if (p.port, p.protocol) != (port, protocol))

    def exposed_ports(self) -> list[Port]:
        return [
            Port(self.session, *port) for port in sorted(self.config.ports, key=lambda p: p[:2])
        ]
