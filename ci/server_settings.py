"""[deploy] and [hosts.NAME] of ci.toml, read into values."""

import re
from collections.abc import Mapping

from ci.decisions.host import SSH_PORT, HostAddress, parse_directory, parse_host
from ci.decisions.placement import Deployment, Server
from ci.oci.text import shown
from ci.toml_table import Table, read_count, read_list, read_path, read_port, read_text

# What compose takes, what SSH takes, and what a word of a plan may hold (ci/server/README.md).
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_FRONT = re.compile(r"|[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_VOLUME = re.compile(r"[^\x00-\x1f]+")
_ASKED = re.compile(r"|/[A-Za-z0-9_./-]*", re.ASCII)
_LONGEST_S = 3600
_ANYBODY, _ANY_PORT = "anybody", 1


def read_deploy(table: Table, path: str, port: int) -> Deployment:
    """Read [deploy]; health is asked where [check] asks it, unless told otherwise."""
    found = Deployment(
        compose=table.take("compose", read_path, "compose.yaml"),
        project=table.need("project", _project, ""),
        service=table.need("service", _service, ""),
        path=table.take("path", _asked, path),
        port=table.take("port", read_port, port),
        version_path=table.take("version_path", _asked, ""),
        version_key=table.take("version_key", _key, "tag"),
        has_candidate=table.take("candidate", _switch, True),
        window_s=table.take("window_s", _seconds, 10),
        probes=table.take("probes", read_count, 3),
        timeout_s=table.take("timeout_s", _seconds, 120),
        pull_timeout_s=table.take("pull_timeout_s", _seconds, 300),
        limit_s=table.take("limit_s", _seconds, 900),
        keep=table.take("keep", read_count, 3),
        shared=table.take("shared", _volumes, ()),
        also=table.take("also", _services, ()),
        front=table.take("front", _network, ""),
    )
    table.refuse_others()
    return found


def read_hosts(table: Table) -> Mapping[str, Server]:
    """Read every [hosts.NAME]."""
    return {name: _server(name, table.table(name)) for name in table.names()}


def _server(name: str, table: Table) -> Server:
    user = table.need("user", _user, "")
    where = table.need("address", _address, None)
    port = table.take("port", read_port, SSH_PORT)
    directory = table.need("directory", parse_directory, "")
    known_hosts = table.take("known_hosts", read_path, "")
    jump = table.take("jump", _jump, None)
    table.refuse_others()
    address = HostAddress(where.host if where else "", port, user, directory)
    return Server(name, address, known_hosts, jump)


def _project(value: object) -> str:
    return read_text(value, _PROJECT, "a compose project's name (a-z, 0-9, _ and -)")


def _service(value: object) -> str:
    return read_text(value, _NAME, "a compose service's name (letters, digits, . _ and -)")


def _services(value: object) -> tuple[str, ...]:
    return tuple(_service(item) for item in read_list(value))


def _network(value: object) -> str:
    return read_text(value, _FRONT, 'a network of the compose file, or ""')


def _key(value: object) -> str:
    return read_text(value, _NAME, "a key (letters, digits, . _ and -)")


def _address(value: object) -> HostAddress:
    found = parse_host(str(value), user=_ANYBODY, port=_ANY_PORT)
    if (found.user, found.port) != (_ANYBODY, _ANY_PORT):
        raise ValueError("names a user or port, which have keys of their own")
    return found


def _jump(value: object) -> HostAddress:
    return parse_host(str(value))


def _user(value: object) -> str:
    return parse_host("host", user=str(value)).user


def _asked(value: object) -> str:
    return read_text(value, _ASKED, 'a path that begins with /, or ""')


def _volumes(value: object) -> tuple[str, ...]:
    return tuple(read_text(item, _VOLUME, "a volume's name or path") for item in read_list(value))


def _switch(value: object) -> bool:
    if value not in ("on", "off"):
        raise ValueError(f'{shown(str(value))} is neither "on" nor "off"')
    return value == "on"


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LONGEST_S:
        raise ValueError(f"{shown(str(value))} is no whole number of 1 to {_LONGEST_S} seconds")
    return value
