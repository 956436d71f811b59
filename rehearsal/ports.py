"""Ports of the rehearsal's services: the usual ones where they are free, others where not."""

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass

from rehearsal.layout import Layout

STEP = 10


@dataclass(frozen=True, slots=True)
class Ports:
    """One port a service, on loopback."""

    target: int = 5000
    mirror: int = 5001
    tokens: int = 5002


def is_free(port: int) -> bool:
    """Whether nothing listens on the port, on either loopback address."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            probe.settimeout(1)
            if probe.connect_ex((address, port)) == 0:
                return False
    return True


def choose_ports(layout: Layout, is_ours: Callable[[str], bool]) -> Ports:
    """The ports of the last set-up, or the usual ones, each moved on where another has it.

    Args:
        layout: whose rehearsal.
        is_ours: whether the named service of this rehearsal runs, and so holds its port.
    """
    file = layout.state / "ports.json"
    wanted = asdict(Ports()) | (json.loads(file.read_text()) if file.exists() else {})
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        while not is_ours(name) and (port in chosen.values() or not is_free(port)):
            port += STEP  # noqa: PLW2901
        chosen[name] = port
    layout.state.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(chosen))
    return Ports(**chosen)
