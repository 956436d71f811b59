"""ci.toml and the flags that override it, parsed once into frozen values."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from ci.decisions.placement import Deployment, Server
from ci.decisions.released import Limits
from ci.errors import PipelineError, SettingsInvalid
from ci.oci.platform import Platform, parse_platform
from ci.oci.reference import Repository, parse_repository
from ci.oci.text import shown
from ci.server_settings import read_deploy, read_hosts
from ci.toml_table import (
    Table,
    read_count,
    read_list,
    read_path,
    read_paths,
    read_port,
    read_seconds,
    read_text,
    read_url_path,
)

ALWAYS_ALLOWED = ("ghcr.io",)
_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9_./~-]+", re.ASCII)
_STAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|", re.ASCII)
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OWN_ARGUMENTS = ("TAG", "REVISION")
_UTC: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How the image is built."""

    context: str
    dockerfile: str
    target: str
    platforms: tuple[Platform, ...]
    derived: tuple[str, ...]
    send_anyway: tuple[str, ...]
    limits: Limits
    args: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How the image is checked."""

    target: str
    path: str
    port: int
    timeout_s: float
    probe_timeout_s: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run is told; `notes` are what its reader should know."""

    repository: Repository
    source: str
    build: BuildSettings
    check: CheckSettings
    zone: tzinfo
    notes: tuple[str, ...] = ()
    deploy: Deployment | None = None
    hosts: Mapping[str, Server] = field(default_factory=dict)


def parse_settings(text: str, *, image: str = "") -> Settings:
    """Read ci.toml; a flag that is not empty overrides its key.

    Args:
        text: what the file holds.
        image: ``registry/repository`` from the call.
    Raises:
        SettingsInvalid: all faults together, each with its key path.
    """
    faults: list[str] = []
    try:
        root = Table(tomllib.loads(text), "", faults)
    except tomllib.TOMLDecodeError as error:
        raise _refused([f"no TOML: {error}"]) from error
    repository, notes = _choose_repository(image, root, faults)
    source = root.take("source", _url, "")
    build = _build(root.table("build"))
    check = _check(root.table("check"))
    deploy = (
        read_deploy(root.table("deploy"), check.path, check.port) if root.has("deploy") else None
    )
    hosts = read_hosts(root.table("hosts"))
    tags = root.table("tags")
    zone = tags.take("zone", _zone, _UTC)
    for table in (root, tags):
        table.refuse_others()
    if faults or repository is None:
        raise _refused(faults)
    return Settings(repository, source, build, check, zone, notes, deploy, hosts)


def _refused(faults: list[str]) -> SettingsInvalid:
    return SettingsInvalid(
        "; ".join(faults),
        remedy="mend these keys of ci.toml or flags; ci.toml's comments explain them",
    )


def _choose_repository(
    image: str, root: Table, faults: list[str]
) -> tuple[Repository | None, tuple[str, ...]]:
    """Read where to release to, from the flag or the file, and what is to be said of it."""
    found = written = root.take("image", _repository, None)
    text = image or root.take("image", str, "")
    if image:
        found = _flag_repository(image, written, faults)
    elif written is None and not faults:
        faults.append("image: is missing, and no --image is given")
    is_rewritten = found is not None and text != str(found)
    return found, (f"{shown(text)} is written {found} at registries",) if is_rewritten else ()


def _flag_repository(
    image: str, written: Repository | None, faults: list[str]
) -> Repository | None:
    """Read --image; a registry that nobody configured is a typing mistake or an attack."""
    try:
        found = _repository(image)
    except PipelineError as error:
        faults.append(f"--image: {error.cause}")
        return None
    except ValueError as error:
        faults.append(f"--image: {error}")
        return None
    allowed = {*ALWAYS_ALLOWED, *([written.registry] if written else [])}
    if found.registry not in allowed and not found.is_loopback:
        faults.append(
            f"--image: the registry {shown(found.registry)} is not ci.toml's,"
            f" not {', '.join(ALWAYS_ALLOWED)} and not on this machine"
        )
        return None
    return found


def _build(table: Table) -> BuildSettings:
    args = table.table("args")
    found = {name: args.take(name, _argument(name), "") for name in args.names()}
    settings = BuildSettings(
        context=table.take("context", read_path, "."),
        dockerfile=table.take("dockerfile", read_path, "Dockerfile"),
        target=table.take("target", _stage, ""),
        platforms=table.take("platforms", _platforms, (parse_platform("linux/amd64"),)),
        derived=table.take("derived", read_paths, ()),
        send_anyway=table.take("send_anyway", read_paths, ()),
        limits=Limits(
            files=table.take("max_files", read_count, 100_000),
            size_mib=table.take("max_size_mib", read_count, 2048),
        ),
        args=found,
    )
    table.refuse_others()
    return settings


def _check(table: Table) -> CheckSettings:
    settings = CheckSettings(
        target=table.take("target", _stage, ""),
        path=table.take("path", read_url_path, "/health"),
        port=table.take("port", read_port, 8000),
        timeout_s=table.take("timeout_s", read_seconds, 60.0),
        probe_timeout_s=table.take("probe_timeout_s", read_seconds, 5.0),
    )
    table.refuse_others()
    return settings


def _repository(value: object) -> Repository:
    if not isinstance(value, str):
        raise ValueError("is no text")  # noqa: TRY004 - a fault of the file, not of the program
    # github.repository keeps the owner's capitals, and registries refuse them.
    host, slash, path = value.partition("/")
    return parse_repository(host + slash + (path.lower() if path.isascii() else path))


def _stage(value: object) -> str:
    return read_text(value, _STAGE, "the name of a Dockerfile's stage")


def _url(value: object) -> str:
    return read_text(value, _URL, "an https:// URL without user or query")


def _platforms(value: object) -> tuple[Platform, ...]:
    found = tuple(parse_platform(str(item)) for item in read_list(value))
    if not found or len(set(found)) != len(found):
        raise ValueError("names no platform, or one twice")
    return found


def _argument(name: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if name in _OWN_ARGUMENTS or not _ARGUMENT.fullmatch(name):
            raise ValueError("is no name that a build argument may have here")
        return read_text(value, re.compile(r"[^\x00-\x1f]*"), "text without control characters")

    return read


def _zone(value: object) -> tzinfo:
    if value == "UTC":
        return UTC
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{shown(str(value))} is no time zone") from error
