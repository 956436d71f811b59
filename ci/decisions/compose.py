"""What a compose file, as the server's compose reads it, means for a deploy."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ci.decisions.placement import Deployment
from ci.errors import PipelineError
from ci.oci.text import shown
from ci.transaction_errors import (
    CandidateUnsafe,
    ComposeInvalid,
    ImageNotControlled,
    NoHealthSignal,
)

_LIMIT_BYTES = 1 << 20
_COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True)
class Stack:
    """What a deploy has to know of the services beside the deployed one.

    `dependencies` are in the order in which they are started; `published` are ports of the server.
    """

    dependencies: tuple[str, ...]
    published: tuple[int, ...]


def read_rendered(raw: bytes) -> Mapping[str, Any]:
    """Read the services that the server's compose showed.

    Raises:
        ComposeInvalid: it showed something else.
    """
    try:
        value = json.loads(raw[:_LIMIT_BYTES])
        services = value["services"]
    except (ValueError, KeyError, TypeError, RecursionError):
        services = None
    if not isinstance(services, dict) or not all(isinstance(v, dict) for v in services.values()):
        raise ComposeInvalid(
            "the server's docker compose config shows no services",
            remedy="see that the compose file has services, and the server compose of version 2",
        )
    return services


def judge_stack(
    services: Mapping[str, Any], deployment: Deployment, reference: str, *, has_healthcheck: bool
) -> Stack:
    """Find what the deploy needs in a compose file, and refuse what cannot be deployed safely.

    Args:
        services: of the compose file, as the server's compose reads it with its `.env`.
        reference: the image that the service must have.
        has_healthcheck: whether the image brings one.
    Raises:
        ComposeInvalid: no such service, or one that is not deployed by itself.
        ImageNotControlled: the service would run something else.
        NoHealthSignal: nothing tells whether it is well.
        CandidateUnsafe: why a second container of it cannot run beside the first, or why a proxy
            cannot be led from one to the other.
    """
    ours = {name: _service(services, deployment, name) for name in _names(deployment)}
    for name, each in ours.items():
        _check_image(each, deployment, name, reference)
    service = ours[deployment.service]
    _check_signal(service, deployment, has_healthcheck=has_healthcheck)
    if deployment.front:
        _check_front(service, deployment)
    elif deployment.has_candidate:
        _check_candidate(service, deployment)
    ports = dict.fromkeys(port for each in ours.values() for port in _published(each))
    return Stack(_dependencies(services, deployment), tuple(ports))


def _names(deployment: Deployment) -> tuple[str, ...]:
    return (deployment.service, *deployment.also)


def _service(services: Mapping[str, Any], deployment: Deployment, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = services.get(name)
    if found is None:
        raise ComposeInvalid(
            f"{deployment.compose} has no service {name};"
            f" it has {', '.join(map(_name, services)) or 'none'}",
            remedy="correct [deploy] service or also in ci.toml",
        )
    return found


def _check_image(
    service: Mapping[str, Any], deployment: Deployment, name: str, reference: str
) -> None:
    image = str(service.get("image", ""))
    if image != reference:
        raise ImageNotControlled(
            f"{name} has the image {shown(image, 200)}, not {reference}",
            remedy="let the compose file take it from the deploy: image: ${IMAGE:?}",
        )
    wanted = service.get("deploy") or service.get("scale") or 1
    if wanted != 1:
        raise _unfit(deployment, name, f"wants {wanted} containers; one is deployed and proven")


def _check_signal(
    service: Mapping[str, Any], deployment: Deployment, *, has_healthcheck: bool
) -> None:
    said = service.get("healthcheck")
    by_docker = said == "given" or (has_healthcheck and said != "disabled")
    if not by_docker and not deployment.path:
        raise NoHealthSignal(
            f"{deployment.service} has no HEALTHCHECK and [deploy] no path: every crash would pass",
            remedy='write path = "/health" in [deploy] of ci.toml, or a HEALTHCHECK in the image',
        )


def _check_candidate(service: Mapping[str, Any], deployment: Deployment) -> None:
    if reasons := list(_unsafe(service, deployment.shared)):
        raise CandidateUnsafe(
            f"a second {deployment.service} cannot run beside the first: {'; '.join(reasons)}",
            remedy="name volumes that two may write to in [deploy] shared of ci.toml, or write"
            ' candidate = "off": then the old one stops before the new one has proven itself',
        )


def _check_front(service: Mapping[str, Any], deployment: Deployment) -> None:
    reasons = [*_unseen(service, deployment), *_unsafe(service, deployment.shared)]
    if reasons:
        raise CandidateUnsafe(
            f"a new {deployment.service} cannot start beside the old one: {'; '.join(reasons)}",
            remedy=f"change {deployment.compose}, or name volumes that two may write to in [deploy]"
            " shared of ci.toml; or leave out front there: then the old one stops first",
        )


def _unseen(service: Mapping[str, Any], deployment: Deployment) -> Iterator[str]:
    """Say everything that keeps a proxy from being led from one container to the next."""
    networks = service.get("networks") or {}
    if not deployment.has_candidate:
        yield 'ci.toml says candidate = "off"'
    if service.get("ports"):
        yield "it publishes ports itself, which is the proxy's part"
    if service.get("container_name"):
        yield "its container_name can be given once"
    if deployment.front not in networks:
        yield f"it is not on the network {deployment.front}"
    elif len(networks) < 2:
        yield f"it has no network but {deployment.front}, and is kept off that until it is proven"
    if (networks.get(deployment.front) or {}).get("aliases"):
        yield f"its aliases on {deployment.front}: a proxy finds it by the service's name"


def _unsafe(service: Mapping[str, Any], shared: tuple[str, ...]) -> Iterator[str]:
    """Say everything that keeps two containers of a service from running side by side."""
    mode = str(service.get("network_mode") or "")
    if mode == "host" or mode.startswith(("service:", "container:")):
        yield f"network_mode {shown(mode)} gives both the same ports"
    for name, network in (service.get("networks") or {}).items():
        for key in ("ipv4_address", "ipv6_address", "mac_address"):
            if (network or {}).get(key):
                yield f"a fixed {key} on the network {_name(name)}"
    if service.get("mac_address"):
        yield "a fixed mac_address"
    if service.get("devices"):
        yield "devices, which one container holds"
    for volume in service.get("volumes") or []:
        source, target = str(volume.get("source") or ""), str(volume.get("target") or "")
        is_own = volume.get("type") == "tmpfs" or not source
        if not is_own and not volume.get("read_only") and not {source, target} & {*shared}:
            yield f"both would write to {_name(source)} ({_name(target)})"


def _dependencies(services: Mapping[str, Any], deployment: Deployment) -> tuple[str, ...]:
    """Order what the service needs, directly or not: each after what it needs itself."""
    found: dict[str, None] = {}
    ours = _names(deployment)

    def visit(name: str, above: tuple[str, ...]) -> None:
        for other, how in _needs(services.get(name)).items():
            if other in (*above, *found, *ours) or other not in services:
                continue
            if (how or {}).get("condition") == _COMPLETED:
                text = f"waits for {_name(other)} to complete, and a deploy runs no such jobs"
                raise _unfit(deployment, name, text)
            visit(other, (*above, other))
            found[other] = None

    for service in ours:
        visit(service, ours)
    return tuple(found)


def _needs(service: Mapping[str, Any] | None) -> Mapping[str, Any]:
    needs = (service or {}).get("depends_on") or {}
    return needs if isinstance(needs, dict) else dict.fromkeys(needs)


def _published(service: Mapping[str, Any]) -> Iterator[int]:
    ports = service.get("ports") or []
    texts = [str(port.get("published", "")) for port in ports if isinstance(port, dict)]
    for text in dict.fromkeys(texts):
        if text.isascii() and text.isdigit() and text != "0":
            yield int(text)


def _unfit(deployment: Deployment, name: str, what: str) -> PipelineError:
    return ComposeInvalid(
        f"{_name(name)} {what}", remedy=f"change {deployment.compose}, or deploy by hand"
    )


def _name(text: object) -> str:
    return shown(str(text)).strip("'")
