"""Service: a container that keeps running, or a port of the host."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ci.embedded.command import NOT_STARTED, Output
from ci.embedded.docker import Docker, DockerError
from ci.embedded.errors import EngineError, ExecFailed
from ci.embedded.launcher import launched
from ci.embedded.store import key_of
from ci.embedded.types.base import Api
from ci.embedded.types.records import Port

if TYPE_CHECKING:
    from ci.embedded.types.container import Container

START_TIMEOUT_S = 60
POLL_S = 0.05


class Service(Api):
    """What both kinds of service offer."""

    typename: ClassVar[str] = "Service"

    async def key(self) -> str:
        """Identifies the service in the cache keys of commands that use it."""
        raise NotImplementedError

    async def address(self) -> str:
        """``host:port`` of the first port, as this process dials it."""
        raise NotImplementedError

    async def start_for_containers(self) -> str:
        """Start it; returns the address under which containers reach it."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class ContainerService(Service):
    """A container that is started once in a session, however often it is bound."""

    container: Container
    command: tuple[str, ...]
    name: str = ""

    async def key(self) -> str:
        config = self.container.config
        ports = [list(port) for port in config.ports]
        settings = [
            list(self.command),
            dict(config.env),
            config.user,
            config.workdir,
            ports,
            self.name,
        ]
        mounts = [await mount.key() for mount in self.container.mounted]
        secrets = [[name, await item.cache_key()] for name, item in self.container.secret_env]
        return key_of("service", await self.container.filesystem.key(), settings, mounts, secrets)

    def with_hostname(self, hostname: str) -> ContainerService:
        return replace(self, name=hostname)

    async def hostname(self) -> str:
        return self.name or (await self.key())[:13]

    def ports(self) -> list[Port]:
        return self.container.exposed_ports()

    async def endpoint(self, port: int | None = None, scheme: str = "") -> str:
        running = await self._running()
        chosen = port or next((p.port for p in self.container.config.ports), None)
        if chosen is None:
            raise EngineError("no ports exposed")
        where = f"{running.dialled_as}:{running.published.get(chosen, chosen)}"
        return f"{scheme}://{where}" if scheme else where

    async def address(self) -> str:
        return await self.endpoint()

    async def start_for_containers(self) -> str:
        return (await self._running()).address

    async def start(self) -> str:
        await self._running()
        return self.id()

    async def stop(self, kill: bool = False) -> str:
        running = self.session.services.pop(await self.key(), None)
        if running is not None:
            await (await running).stop(kill=kill)
        return self.id()

    async def _running(self) -> RunningService:
        key = await self.key()
        if key not in self.session.services:
            self.session.services[key] = asyncio.ensure_future(RunningService.start(self, key))
        try:
            running: RunningService = await asyncio.shield(self.session.services[key])
        except EngineError:
            self.session.services.pop(key, None)
            raise
        return running


@dataclass(frozen=True)
class RunningService:
    """The container behind a service."""

    service: ContainerService
    id: str
    address: str
    published: dict[int, int]

    @property
    def dialled_as(self) -> str:
        """The host part for this process."""
        return "127.0.0.1" if self.published else self.address

    @classmethod
    async def start(cls, service: ContainerService, key: str) -> RunningService:
        """Create, start, and wait until every exposed TCP port answers."""
        session, container = service.session, service.container
        docker = await session.docker()
        session.log(f"start service {' '.join(service.command)[:100]}")
        identifier = await container.filesystem.container(await _body(service))
        try:
            await docker.request("POST", f"/containers/{identifier}/start")
        except DockerError as error:
            await session.remove(identifier)
            reason = NOT_STARTED.search(str(error))
            raise EngineError(
                f"start {key[:13]}: {reason.group(0) if reason else error}"
            ) from error
        facts = await docker.json("GET", f"/containers/{identifier}/json")
        networks = facts["NetworkSettings"]["Networks"].values()
        running = cls(service, identifier, next(iter(networks))["IPAddress"], _published(facts))
        await running._wait_for_ports(docker, key)
        return running

    async def _wait_for_ports(self, docker: Docker, key: str) -> None:
        ports = self.service.container.config.ports
        wanted = [p.port for p in ports if p.protocol == "TCP" and not p.skip_healthcheck]
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while True:
            state = (await docker.json("GET", f"/containers/{self.id}/json"))["State"]
            if not state["Running"]:
                raise await self._failed(docker, f"start {key[:13]}: ", state["ExitCode"])
            wanted = [
                p for p in wanted if not await _answers(self.dialled_as, self.published.get(p, p))
            ]
            if not wanted:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise await self._failed(
                    docker, f"start {key[:13]}: no answer on port {wanted[0]}: ", 1
                )
            await asyncio.sleep(POLL_S)

    async def _failed(self, docker: Docker, context: str, code: int) -> ExecFailed:
        output = await self.logs(docker)
        await self.service.session.remove(self.id)
        return ExecFailed(list(self.service.command), code, *output, context=context)

    async def logs(self, docker: Docker) -> tuple[str, str]:
        """What it wrote, masked: stdout and stderr."""
        query = {"stdout": "1", "stderr": "1"}
        with await docker.download(f"/containers/{self.id}/logs", params=query) as log:
            raw = log.read()
        output = Output.empty()
        while raw:
            stream, length = raw[0], int.from_bytes(raw[4:8], "big")
            output.take(stream, raw[8 : 8 + length])
            raw = raw[8 + length :]
        scrub = self.service.session.scrubber.scrub
        return scrub(output.stdout.decode(errors="replace")), scrub(
            output.stderr.decode(errors="replace")
        )

    async def stop(self, *, kill: bool) -> None:
        """Stop as Docker does, or at once."""
        docker = await self.service.session.docker()
        if not kill:
            await docker.request("POST", f"/containers/{self.id}/stop", params={"t": "10"})
        await self.service.session.remove(self.id)


async def _body(service: ContainerService) -> dict[str, Any]:
    container, config = service.container, service.container.config
    mounts = [
        await mount.spec(service.session, container.filesystem) for mount in container.mounted
    ]
    command, more = await launched(service.session, service.command, container.secret_env)
    ports = [f"{port.port}/{port.protocol.lower()}" for port in config.ports]
    host: dict[str, Any] = {
        "Mounts": [*mounts, *more],
        "ExtraHosts": await container.extra_hosts(),
        "Init": True,
    }
    if sys.platform != "linux":
        # Docker runs in a machine of its own there: container addresses cannot be dialled.
        host["PortBindings"] = {port: [{"HostIp": "127.0.0.1"}] for port in ports}
    return {
        "Entrypoint": command[:1],
        "Cmd": command[1:],
        "Env": [f"{name}={value}" for name, value in config.env.items()],
        "User": config.user,
        "WorkingDir": config.workdir or "/",
        "Hostname": service.name or "dagger",
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": host,
    }


def _published(facts: dict[str, Any]) -> dict[int, int]:
    bindings = (facts["NetworkSettings"].get("Ports") or {}).items()
    return {
        int(port.partition("/")[0]): int(bound[0]["HostPort"])
        for port, bound in bindings
        if bound and sys.platform != "linux"
    }


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1)
    except (TimeoutError, OSError):
        return False
    writer.close()
    return True
