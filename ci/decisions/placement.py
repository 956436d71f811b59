"""What runs on a server and where: the values of ci.toml's [deploy] and [hosts.NAME]."""

from collections.abc import Mapping
from dataclasses import dataclass

from ci.decisions.host import HostAddress
from ci.errors import SettingsInvalid
from ci.oci.text import shown


@dataclass(frozen=True, slots=True)
class Deployment:
    """A service, and what must be seen of it before it counts as running.

    `path` and `version_path` are "" where they are not asked for. `also` are further services of
    the same image, which are switched with it. `front` is the compose file's network on which a
    proxy finds the service: with one, the new container starts before the old one stops.
    """

    compose: str
    project: str
    service: str
    path: str
    port: int
    version_path: str
    version_key: str
    has_candidate: bool
    window_s: int
    probes: int
    timeout_s: int
    pull_timeout_s: int
    limit_s: int
    keep: int
    shared: tuple[str, ...]
    also: tuple[str, ...] = ()
    front: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of ci.toml.

    Attributes:
        known_hosts: the file with the keys that it and its jump host may show.
        jump: the account through which it is reached; None where it is dialled itself.
    """

    name: str
    address: HostAddress
    known_hosts: str
    jump: HostAddress | None = None


def choose_server(servers: Mapping[str, Server], name: str) -> Server:
    """Choose the host that the call names, or the only one.

    Raises:
        SettingsInvalid: there is none of that name, or several and none named.
    """
    if name in servers:
        return servers[name]
    if not name and len(servers) == 1:
        return next(iter(servers.values()))
    known = ", ".join(servers) or "none"
    what = f"--host {shown(name)} is not in" if name else f"{len(servers)} hosts are in"
    raise SettingsInvalid(
        f"{what} ci.toml's [hosts]; there is {known}",
        remedy="name one with --host, or write its [hosts.NAME] table",
    )


def need_deployment(found: Deployment | None) -> Deployment:
    """Insist on [deploy].

    Raises:
        SettingsInvalid: ci.toml has none.
    """
    if found is None:
        raise SettingsInvalid(
            "ci.toml has no [deploy] table", remedy="write one: project and service are enough"
        )
    return found
