"""An address range and a bridge for our Docker that collide with nothing on this machine."""

import ipaddress
import json
import subprocess

from rehearsal.errors import CommandFailed, NoFreeNetwork
from rehearsal.layout import Layout

# Set aside for benchmarks (RFC 2544): no home, company or VPN routes it, unlike 10/8, 172.16/12,
# 192.168/16 and 100.64/10. A checkout takes a sixteenth of a /16: its bridge and fifteen networks.
RANGE = ipaddress.IPv4Network("198.18.0.0/15")
SHARE_PREFIX = 20
NETWORK_PREFIX = 24
# The last share is no checkout's: all cables to rehearsal servers lie in it, four addresses each.
CABLES = list(RANGE.subnets(new_prefix=SHARE_PREFIX))[-1]
CABLE_PREFIX = 30


def choose_share(identity: str, taken: list[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """The checkout's own part of the range: the same each time unless somebody uses it.

    Raises:
        NoFreeNetwork: all parts overlap a network in `taken`.
    """
    return _choose(list(RANGE.subnets(new_prefix=SHARE_PREFIX))[:-1], identity, taken)


def choose_cable(identity: str, taken: list[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Four addresses for one rehearsal server's cable, chosen in the same way."""
    return _choose(list(CABLES.subnets(new_prefix=CABLE_PREFIX)), identity, taken)


def _choose(
    parts: list[ipaddress.IPv4Network], identity: str, taken: list[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network:
    first = int(identity, 16) % len(parts)
    for part in parts[first:] + parts[:first]:
        if not any(part.overlaps(network) for network in taken):
            return part
    raise NoFreeNetwork(
        f"all {len(parts)} parts of {RANGE} are in use",
        state="no network interface was made",
        remedy="remove those of other checkouts (`make clean` there)",
    )


def ensure_bridge(layout: Layout) -> ipaddress.IPv4Network:
    """Make the checkout's bridge if it is missing; return the range that is its Docker's."""
    bridge = layout.bridge
    for link in json.loads(run_ip("-json", "-4", "address", "show")):
        for address in link.get("addr_info", []):
            if link["ifname"] == bridge:
                return _share_of(f"{address['local']}/{SHARE_PREFIX}")
    share = choose_share(layout.identity, taken_networks())
    gateway = next(share.hosts())
    remove_bridge(layout)
    run_ip("link", "add", bridge, "type", "bridge")
    run_ip("address", "add", f"{gateway}/{NETWORK_PREFIX}", "dev", bridge)
    run_ip("link", "set", bridge, "up")
    return share


def remove_bridge(layout: Layout) -> None:
    """Remove the checkout's bridge, if there is one."""
    if layout.bridge in run_ip("-brief", "link", "show"):
        run_ip("link", "delete", layout.bridge)


def _share_of(address: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Interface(address).network


def taken_networks() -> list[ipaddress.IPv4Network]:
    """Every range that this machine routes somewhere."""
    routes = json.loads(run_ip("-json", "-4", "route", "show", "table", "all"))
    destinations = {route["dst"] for route in routes} - {"default"}
    return [ipaddress.IPv4Network(text, strict=False) for text in destinations if "." in text]


def run_ip(*arguments: str) -> str:
    """Run ip(8); its output."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(
            f"ip {' '.join(arguments)}: {done.stderr.strip()}",
            state="the network is as before",
            remedy="run as root on a machine that may make network interfaces, or start Docker",
        )
    return done.stdout
