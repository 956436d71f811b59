"""Dockerfiles, built by the Docker engine's own BuildKit.

The API without a session knows no credentials, no .dockerignore for a tar, and skips secret
mounts without a word. So bases are resolved and pulled by digest before, the context is
filtered here, and what would be skipped is refused by name.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ci.embedded.archive import tar_of
from ci.embedded.buildlog import BuildLog
from ci.embedded.config import ImageConfig
from ci.embedded.docker import DockerError, chunks
from ci.embedded.dockerfile import Dockerfile, Stage
from ci.embedded.errors import EngineError, ExecFailed
from ci.embedded.layers import Layer
from ci.embedded.patterns import Filter, dockerignore_lines
from ci.embedded.platforms import default_platform, normal_platform
from ci.embedded.pull import resolve
from ci.embedded.reference import DOCKER_HUB, RegistryError, parse_reference
from ci.embedded.rootfs import Built, Pulled
from ci.embedded.session import IMAGES, Session
from ci.embedded.store import key_of
from ci.embedded.tree import Tree, clean

# BuildKit of Docker 20.10 and of newer ones.
_FAILED = (
    re.compile(r"executor failed running \[(.*)\]: exit code: (\d+)", re.DOTALL),
    re.compile(r'process "(.*)" did not complete successfully: exit code: (\d+)', re.DOTALL),
)


@dataclass(frozen=True)
class Base:
    """A base image of a stage, resolved and in the Docker engine."""

    stage: int
    pinned: str
    layers: list[Layer]


@dataclass(frozen=True)
class Order:
    """What is asked of the builder."""

    dockerfile: str
    platform: str
    arguments: Mapping[str, str]
    target: str


async def build(session: Session, context: Tree, order: Order) -> tuple[Built, ImageConfig]:
    """Build one platform; the image stays in the Docker engine."""
    text = _read(session, context, order.dockerfile)
    parsed = Dockerfile.parse(text, {**_platform_arguments(order.platform), **order.arguments})
    stages = parsed.needed(order.target)
    parsed.refuse_what_needs_a_session(stages)
    external = [stage for stage in stages if stage.is_external]
    bases = await asyncio.gather(*(_pull(session, stage, order.platform) for stage in external))
    pinned = parsed.pinned({base.stage: base.pinned for base in bases})
    # There is no way to hand over a Dockerfile but inside the context, where COPY sees it.
    dockerfile = session.store.new_file(pinned.encode())
    context = _filtered(session, context, order.dockerfile).with_entry(order.dockerfile, dockerfile)
    facts = await session.once(
        key_of("build", context.digest, vars(order)), lambda: _run(session, context, order)
    )
    known = tuple(layer for base in bases for layer in base.layers)
    return Built(session, facts["Id"], known), ImageConfig.parse(facts["Config"])


def _read(session: Session, context: Tree, dockerfile: str) -> str:
    try:
        entry = context.file(dockerfile)
    except EngineError as error:
        reason = f"open /{clean(dockerfile)}: no such file or directory"
        raise EngineError(f'failed to read Dockerfile "{dockerfile}": {reason}') from error
    return session.store.read_bytes(entry.content).decode()


def _filtered(session: Session, context: Tree, dockerfile: str) -> Tree:
    """The context without what .dockerignore (or the Dockerfile's own one) leaves out."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        if (entry := context.entries.get(clean(name))) and entry.kind == "f":
            text = session.store.read_bytes(entry.content).decode()
            return context.filtered(Filter(None, dockerignore_lines(text)))
    return context


def _platform_arguments(platform: str) -> dict[str, str]:
    """The arguments that BuildKit defines by itself, for FROM lines."""
    values: dict[str, str] = {}
    for name, value in (("BUILD", default_platform()), ("TARGET", platform)):
        system, architecture, *variant = value.split("/")
        values |= {f"{name}PLATFORM": value, f"{name}OS": system, f"{name}ARCH": architecture}
        values[f"{name}VARIANT"] = variant[0] if variant else ""
    return values


async def _pull(session: Session, stage: Stage, platform: str) -> Base:
    platform = normal_platform(stage.platform) if stage.platform else platform
    try:
        _, image = await session.once(
            f"resolve:{stage.base}:{platform}",
            lambda: resolve(session.registries, parse_reference(stage.base), platform),
        )
    except (RegistryError, httpx.HTTPError) as error:
        raise EngineError(
            f"failed to resolve FROM {stage.base} (platform {platform}): {error}"
        ) from error
    base = Pulled(session, image, platform)
    await base.image()
    host, path, _ = image.repository
    name = path if host == DOCKER_HUB else f"{host}/{path}"
    return Base(stage.index, f"{name}@{image.digest}", await base.layers())


async def _run(session: Session, context: Tree, order: Order) -> dict[str, Any]:
    docker = await session.docker()
    session.log(f"build {order.target or 'image'} for {order.platform}")
    tag = key_of(context.digest, vars(order))[:32]
    query = {
        "version": "2",
        "dockerfile": order.dockerfile,
        "platform": order.platform,
        "target": order.target,
        "buildargs": json.dumps(dict(order.arguments)),
        "t": f"{IMAGES}:{tag}",
    }
    log, image = BuildLog(), ""
    tar = await asyncio.to_thread(tar_of, context, session.store)
    try:
        with tar:  # also where the request never begins to read it
            async for event in docker.events("/build", params=query, content=chunks(tar)):
                for line in log.take(event):
                    session.log(f"build | {line}")
                if event.get("id") == "moby.image.id":
                    image = event["aux"]["ID"]
    except DockerError as error:
        raise _failure(session, log, error) from error
    facts: dict[str, Any] | None = await docker.image(image or f"{IMAGES}:{tag}")
    if facts is None:
        raise EngineError("the Docker engine reported no image for a build that succeeded")
    session.store.put(
        f"built:{tag}", facts["Id"], image=f"{IMAGES}:{tag}", size_bytes=facts["Size"]
    )
    return facts


def _failure(session: Session, log: BuildLog, error: DockerError) -> EngineError:
    """A failed RUN as Dagger's ExecError; anything else in the builder's words."""
    for pattern in _FAILED:
        if match := pattern.search(str(error)):
            step, scrub = log.failed(), session.scrubber.scrub
            command = _command(match.group(1))
            streams = (
                scrub(bytes(data).decode(errors="replace")) for data in (step.stdout, step.stderr)
            )
            return ExecFailed(command, int(match.group(2)), *streams, context="failed to build: ")
    return EngineError(f"failed to build: {session.scrubber.scrub_long(str(error))}")


def _command(text: str) -> list[str]:
    shell = "/bin/sh -c "
    return [*shell.split(), text.removeprefix(shell)] if text.startswith(shell) else text.split()
