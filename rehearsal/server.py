"""A server to deploy to: a machine of its own as far as one machine allows.

It has its own file system, processes, network, Docker (another release than the one that builds,
with either image store) and sshd; nothing of it is seen outside but one network interface.

`python -m rehearsal.server up|down|status [--store classic|containerd] [--number N]`
"""

import argparse
import contextlib
import hashlib
import ipaddress
import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rehearsal import network
from rehearsal.docker_daemon import answers
from rehearsal.environment import read_environment
from rehearsal.errors import CommandFailed, RehearsalError
from rehearsal.layout import Layout
from rehearsal.processes import Daemon, running, stop
from rehearsal.turns import machine_turn

STORES = ("classic", "containerd")
# Tests that run side by side have a server each.
NUMBERS = (1, 2)
SSH_PORT = 2222
USER = "deploy"


@dataclass(frozen=True, slots=True)
class Server:
    """One rehearsal server.

    Attributes:
        store: where its Docker keeps images.
        number: of several that are alike.
    """

    layout: Layout
    store: str
    number: int = 1

    @property
    def label(self) -> str:
        """Tells it from the others of this rehearsal."""
        return self.store if self.number == 1 else f"{self.store}-{self.number}"

    @property
    def name(self) -> str:
        """Of its process and log."""
        return f"server-{self.label}"

    @property
    def hostname(self) -> str:
        """Of the machine and its control group."""
        return f"ci-{self.layout.identity}-{self.label}"

    @property
    def interface(self) -> str:
        """This machine's end of the cable; 15 characters at most."""
        number = "" if self.number == 1 else str(self.number)
        return f"cs-{self.layout.identity}-{self.store[:2]}{number}"

    @property
    def folder(self) -> Path:
        """What it changed, its Docker's data and its keys."""
        return servers_folder(self.layout) / self.label

    @property
    def environment(self) -> Path:
        """The sourceable file that says how to reach it."""
        return self.folder / "env"

    @property
    def docker_host(self) -> str:
        """Its Docker as root on this machine sees it, past SSH: for observers and tests."""
        return f"unix:///proc/{running(self.layout, self.name)}/root/run/docker.sock"


def servers_folder(layout: Layout) -> Path:
    """What all servers share, and one folder for each."""
    return layout.state / "server"


def start_server(server: Server) -> dict[str, str]:
    """Make it run with the rehearsal's registries at the names they have here; its variables."""
    environment = read_environment(server.layout)
    ports = [environment[f"REHEARSAL_{name}"].rpartition(":")[2] for name in ("REGISTRY", "MIRROR")]
    for folder in ("root", "upper", "work", "docker", "keys"):
        (server.folder / folder).mkdir(parents=True, exist_ok=True)
    _make_keys(server)
    script = server.layout.checkout / "rehearsal" / "server_init.sh"
    command = (
        # See docker_daemon.py: some machines' root lacks it.
        *("setpriv", "--bounding-set=-sys_resource"),
        *("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child"),
        *("sh", str(script), str(server.folder), server.hostname, ports[1]),
        *(server.store, str(SSH_PORT)),
    )
    with machine_turn():
        link = network_of(server)
        # Its network is plugged in at the first look: before, there is none to plug it into.

        def ready() -> bool:
            return _is_plugged(server, link) and answers(server.docker_host)

        Daemon(server.name, command, server.layout, ready, timeout_s=120).ensure()
    _forward(server, ports)
    return _write_environment(server, str(link[2]))


def stop_server(server: Server, *, power_cut: bool = False) -> bool:
    """Shut it down, or let nothing in it notice; False when it did not run."""
    pid = running(server.layout, server.name)
    stop(server.layout, f"{server.name}-link")
    if pid is not None and not power_cut:
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
    stopped = stop(server.layout, server.name, timeout_s=0 if power_cut else 15)
    _unplug(server)
    _remove_control_groups(server)
    return stopped


def stop_servers(layout: Layout) -> None:
    """Stop every server; what is left is in the rehearsal's own folder."""
    for number in NUMBERS:
        for store in STORES:
            stop_server(Server(layout, store, number))


def status(server: Server) -> dict[str, str]:
    """How to reach it; empty when it does not run."""
    if running(server.layout, server.name) is None or not server.environment.exists():
        return {}
    pairs = (line.partition("=") for line in server.environment.read_text().splitlines())
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}


def network_of(server: Server) -> ipaddress.IPv4Network:
    """Four addresses: [1] is this machine's, [2] the server's."""
    file = server.folder / "network"
    if running(server.layout, server.name) is None:
        _unplug(server)
        identity = hashlib.sha256(server.hostname.encode()).hexdigest()[:8]
        file.write_text(str(network.choose_cable(identity, network.taken_networks())))
    return ipaddress.IPv4Network(file.read_text())


def _is_plugged(server: Server, link: ipaddress.IPv4Network) -> bool:
    pid = running(server.layout, server.name)
    if pid is None or _namespace(pid) in ("", _namespace(os.getpid())):
        return False
    inside = ("nsenter", "--net", "--target", str(pid), "ip")
    if "eth0" not in _run(*inside, "-brief", "link"):
        peer = ("type", "veth", "peer", "name", "eth0", "netns", str(pid))
        network.run_ip("link", "add", server.interface, *peer)
        network.run_ip("address", "add", f"{link[1]}/30", "dev", server.interface)
        network.run_ip("link", "set", server.interface, "up")
        _run(*inside, "address", "add", f"{link[2]}/30", "dev", "eth0")
        _run(*inside, "link", "set", "eth0", "up")
        _run(*inside, "route", "add", "default", "via", str(link[1]))
    return True


def _unplug(server: Server) -> None:
    # It goes with the server's network, but that takes the kernel a while.
    if f"{server.interface}@" in network.run_ip("-brief", "link", "show"):
        with contextlib.suppress(CommandFailed):
            network.run_ip("link", "delete", server.interface)


def _forward(server: Server, ports: list[str]) -> None:
    """Let the registries answer inside under the names that they have outside."""
    tokens = _tokens_port(server.layout)
    pid = str(running(server.layout, server.name))
    listening = server.folder / "listening"
    command = (sys.executable, "-m", "rehearsal.server_link", pid, str(listening), *ports, tokens)
    listening.unlink(missing_ok=True)
    Daemon(f"{server.name}-link", command, server.layout, listening.exists).ensure()


def _tokens_port(layout: Layout) -> str:
    return str(json.loads((layout.state / "ports.json").read_text())["tokens"])


def _make_keys(server: Server) -> None:
    for name in ("host", "client"):
        key = server.folder / "keys" / name
        if not key.exists():
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))


def _write_environment(server: Server, address: str) -> dict[str, str]:
    keys = server.folder / "keys"
    known = server.folder / "known_hosts"
    kind, key, _ = (keys / "host.pub").read_text().split(maxsplit=2)
    known.write_text(f"[{address}]:{SSH_PORT} {kind} {key}\n")
    values = {
        "SERVER_HOST": address,
        "SERVER_PORT": str(SSH_PORT),
        "SERVER_USER": USER,
        "SERVER_KEY_FILE": str(keys / "client"),
        "SERVER_KNOWN_HOSTS": str(known),
        "SERVER_DOCKER_HOST": server.docker_host,
    }
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
    server.environment.write_text("".join(lines))
    return values


def _remove_control_groups(server: Server) -> None:
    for top in Path("/sys/fs/cgroup").glob(f"**/{server.hostname}"):
        # Deepest first; they hold no process any more.
        for folder in sorted(top.glob("**/"), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except FileNotFoundError:
        # It ended; whoever waits for it looks at that next.
        return ""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(
            f"{' '.join(command)}: {done.stderr.strip()}",
            state="the rehearsal server is not complete",
            remedy="make that command work, then run this again",
        )
    return done.stdout


def main() -> int:
    """Run one of the three verbs; the exit code."""
    from rehearsal import server_images
    from rehearsal.__main__ import CHECKOUT, only_one, step

    parser = argparse.ArgumentParser(prog="python -m rehearsal.server", description=__doc__)
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("--store", choices=STORES, default=STORES[0], help="its Docker's images")
    parser.add_argument("--number", choices=NUMBERS, default=1, type=int, help="of several alike")
    arguments = parser.parse_args()
    layout = Layout(CHECKOUT)
    server = Server(layout, arguments.store, arguments.number)
    folder = servers_folder(layout)
    try:
        with only_one(layout):
            if arguments.verb == "down":
                stop_server(server)
            elif arguments.verb == "up":
                if not server_images.is_made(folder, layout):
                    stop_servers(layout)
                    with step("rehearsal server and postgres: Debian packages (a minute)"):
                        server_images.make(folder, layout, read_environment(layout))
                with step(f"rehearsal server with the {server.store} image store"):
                    start_server(server)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return 1
    for key, value in status(server).items():
        print(f"{key}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
