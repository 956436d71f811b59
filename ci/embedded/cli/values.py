"""Values of arguments: what was typed, or a default, into the API's objects."""

from __future__ import annotations

import enum
import json
import os
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagger
from dagger import dag
from dagger.client.base import Type

from .model import Argument, TypeRef, UsageError
from .module import Source

REMOTE_GIT = re.compile(r"(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


async def given_value(argument: Argument, value: Any) -> Any:
    """The API's value for what was typed.

    Raises:
        UsageError: the address is wrong or what it names is not there.
    """
    try:
        return await _converted(argument.type, value, argument)
    except (dagger.QueryError, UsageError) as error:
        raise UsageError(f'failed to get value for argument "{argument.flag}": {error}') from error


async def default_value(argument: Argument, source: Source) -> Any:
    """The API's value for an argument that was not set; None leaves it to the function."""
    if argument.user_default is not None and argument.type.holds_objects:
        return await _user_default(argument, argument.user_default)
    if argument.user_default is not None:
        return json.loads(argument.default)
    if argument.default_address:
        return dag.container().from_(argument.default_address)
    if argument.default_path:
        return _contextual(argument, source)
    return None


async def as_input(value: Any) -> Any:
    """An API primitive: objects become IDs, enum members names."""
    if isinstance(value, list):
        return [await as_input(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.name
    return await value.id() if isinstance(value, Type) else value  # type: ignore[attr-defined]


async def _user_default(argument: Argument, text: str) -> Any:
    element = argument.type.element
    if element is None:
        return await _object(argument.type, text, argument, start=False)
    items = [item.strip() for item in text.split(",")]
    return [await _object(element, item, argument, start=False) for item in items]


async def _converted(type_: TypeRef, value: Any, argument: Argument) -> Any:
    if type_.element:
        return [await _converted(type_.element, item, argument) for item in value]
    if type_.kind == "object":
        return await _object(type_, value, argument, start=True)
    if type_.kind == "input":
        return type_.python(**value)
    if type_.name == "Platform":
        return dagger.Platform(this_platform() if value == "current" else value)
    return value


async def _object(type_: TypeRef, text: str, argument: Argument, *, start: bool) -> Any:
    """An object by its address. Dagger reads typed ones, and starts services, before the call."""
    if not text:
        raise UsageError("resource cannot have empty address")
    makers: dict[str, Callable[[str], Any]] = {
        "Container": lambda address: dag.container().from_(address),
        "Directory": lambda address: _directory(address, list(argument.ignore)),
        "File": _file,
        "Secret": secret,
        "Service": service,
        "Socket": lambda address: dag.host().unix_socket(address.removeprefix("unix://")),
        "CacheVolume": dag.cache_volume,
        "GitRepository": _git_repository,
        "GitRef": _git_ref,
    }
    if type_.name not in makers:
        raise UsageError(f"a {type_.name} needs Dagger (CI_ENGINE=dagger)")
    found = makers[type_.name](text)
    if start and isinstance(found, dagger.Service):
        return await found.start()
    if start and isinstance(found, (dagger.Container, dagger.Directory, dagger.File)):
        return await found.sync()
    return found


def secret(address: str) -> dagger.Secret:
    """A secret by ``env:NAME``, ``file:PATH``, ``cmd:COMMAND``, each also with ``//``, or NAME."""
    scheme, colon, rest = address.partition(":")
    if not colon:
        scheme, rest = "env", address
    return dag.secret(f"{scheme}://{rest.removeprefix('//')}")


def service(address: str) -> dagger.Service:
    """A service of the host, by ``tcp://host:port`` or ``udp://host:port``."""
    url = urlsplit(address)
    if url.scheme not in {"tcp", "udp"}:
        raise UsageError(
            f'unsupported service address: "{url.scheme}". Must be a valid tcp:// or udp:// URL'
        )
    try:
        port = url.port
    except ValueError as error:
        raise UsageError(f"address {url.netloc}: {error}") from error
    if port is None:
        raise UsageError(f"address {url.netloc}: missing port in address")
    protocol = dagger.NetworkProtocol[url.scheme.upper()]
    forward = dagger.PortForward(backend=port, frontend=port, protocol=protocol)
    return dag.host().service([forward], host=url.hostname or "")


def this_platform() -> str:
    """This machine's platform; containers are Linux on a Mac as well."""
    machine = platform.machine().lower()
    return f"linux/{MACHINES.get(machine, machine)}"


def _local(address: str) -> str:
    return os.path.abspath(os.path.expanduser(address.removeprefix("file://")))


def _directory(address: str, ignore: list[str]) -> dagger.Directory:
    if REMOTE_GIT.match(address):
        ref, subdirectory = _remote(address)
        tree = ref.tree()
        found = tree.directory(subdirectory) if subdirectory else tree
        return dag.directory().with_directory("/", found, exclude=ignore) if ignore else found
    return dag.host().directory(_local(address), exclude=ignore)


def _file(address: str) -> dagger.File:
    if REMOTE_GIT.match(address):
        ref, path = _remote(address)
        if not path:
            raise UsageError("no file path specified within git repository")
        return ref.tree().file(path)
    return dag.host().file(_local(address))


def _git_repository(address: str) -> dagger.GitRepository:
    if REMOTE_GIT.match(address):
        if "#" in address:
            raise UsageError("git repository address cannot contain ref")
        return dag.git(address)
    return dag.host().directory(_local(address)).as_git()


def _git_ref(address: str) -> dagger.GitRef:
    if REMOTE_GIT.match(address):
        return _remote(address)[0]
    path, _, name = address.partition("#")
    repository = dag.host().directory(_local(path)).as_git()
    return repository.ref(name) if name else repository.head()


def _remote(address: str) -> tuple[dagger.GitRef, str]:
    """The ref and the path of ``url#ref:path``."""
    url, _, fragment = address.partition("#")
    name, _, path = fragment.partition(":")
    repository = dag.git(url)
    return (repository.ref(name) if name else repository.head()), path


def _contextual(argument: Argument, source: Source) -> Any:
    """What DefaultPath names: an absolute path from the context (the git repository), a relative
    one from the module's directory.

    Source: Dagger v0.21.8, core/modulesource.go ``loadContextFromSource``.
    """
    path, kind = argument.default_path, argument.type.name
    if kind in {"GitRepository", "GitRef"}:
        return _contextual_git(path, kind, source)
    base = source.context if path.startswith("/") else source.root
    where = Path(os.path.normpath(base / path.lstrip("/")))
    if not where.is_relative_to(source.context):
        raise UsageError(
            f'path "{where}" is outside of context directory "{source.context}", '
            "path should be relative to the context directory"
        )
    if kind == "File":
        return dag.host().file(str(where))
    return dag.host().directory(str(where), exclude=list(argument.ignore))


def _contextual_git(path: str, kind: str, source: Source) -> Any:
    if os.path.normpath(path.strip("/") or ".") in {".", ".git"}:
        # Dagger uploads the directory for this; here git reads it where it is.
        repository = dag.address(str(source.context)).git_repository()
    else:
        repository = _git_repository(path)
    return repository if kind == "GitRepository" else repository.head()
