"""A Docker daemon of the checkout's own, which shares nothing with another on the machine."""

import http.client
import shutil
import socket
import subprocess
from pathlib import Path

from rehearsal import network
from rehearsal.layout import Layout
from rehearsal.ports import Ports
from rehearsal.processes import Daemon, running, stop
from rehearsal.turns import machine_turn

NAME = "dockerd"


def start_docker(layout: Layout, ports: Ports) -> bool:
    """Make our Docker daemon run; False when it did already."""
    with machine_turn():
        share = network.ensure_bridge(layout)
    layout.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = layout.state / "docker" / "daemon.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    # Else the machine's /etc/docker/daemon.json would be mixed in.
    settings.write_text("{}")
    if running(layout, NAME) is None:
        _forget_dead(_docker_pid(layout), layout)
        _forget_dead(_containerd_pid(layout), layout)
    return _daemon(layout, ports, settings, pool=str(share)).ensure()


def stop_docker(layout: Layout, ports: Ports) -> bool:
    """Stop our Docker daemon with its containers and mounts; False when there was none."""
    if not layout.runtime.exists():
        return False
    if running(layout, NAME) is None and _containerd_pid(layout).exists():
        # It was killed. What it left behind only it knows: start it again, then stop it properly.
        start_docker(layout, ports)
    _kill_containers(layout)
    stopped = stop(layout, NAME, timeout_s=30)
    _unmount_below(layout.state, layout.runtime)
    network.remove_bridge(layout)
    shutil.rmtree(layout.runtime, ignore_errors=True)
    return stopped


def _daemon(layout: Layout, ports: Ports, settings: Path, *, pool: str) -> Daemon:
    command = (
        # Machines that are themselves containers lack this capability, and runc fails where a
        # container's set holds what its parent has not.
        *("setpriv", "--bounding-set=-sys_resource", "dockerd"),
        *("--config-file", str(settings)),
        *("--host", layout.docker_host),
        *("--pidfile", str(_docker_pid(layout))),
        *("--data-root", str(layout.state / "docker" / "data")),
        *("--exec-root", str(layout.runtime / "exec")),
        *("--registry-mirror", f"http://localhost:{ports.mirror}"),
        *("--bridge", layout.bridge),
        *("--default-address-pool", f"base={pool},size={network.NETWORK_PREFIX}"),
        # The rules of another Docker carry the same names, and ours would set FORWARD to DROP.
        # Without any, containers reach each other and the host but no internet, which a rehearsal
        # must not need; published ports go through docker-proxy.
        *("--iptables=false", "--ip-forward=false", "--ip-masq=false"),
        # A containerd that the system runs is used by dockerd: keep out of its other user's way.
        *("--containerd-namespace", layout.bridge),
        *("--containerd-plugins-namespace", f"{layout.bridge}-plugins"),
        *("--shutdown-timeout", "5"),
    )
    return Daemon(NAME, command, layout, lambda: answers(layout.docker_host), timeout_s=60)


def answers(docker_host: str) -> bool:
    """Whether a Docker engine answers at a `unix://` or `tcp://` address."""
    scheme, _, rest = docker_host.partition("://")
    connection = http.client.HTTPConnection(rest if scheme == "tcp" else "docker", timeout=5)
    try:
        if scheme == "unix":
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(5)
            connection.sock.connect(rest)
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _kill_containers(layout: Layout) -> None:
    """Spare the ten seconds that dockerd leaves a container that ignores the gentle signal."""
    docker = ("docker", "--host", layout.docker_host)
    listed = subprocess.run([*docker, "ps", "--quiet"], capture_output=True, text=True, check=False)
    if identifiers := listed.stdout.split():
        subprocess.run([*docker, "kill", *identifiers], capture_output=True, check=False)


def _docker_pid(layout: Layout) -> Path:
    return layout.runtime / "docker.pid"


def _containerd_pid(layout: Layout) -> Path:
    return layout.runtime / "exec" / "containerd" / "containerd.pid"


def _forget_dead(pid_file: Path, layout: Layout) -> None:
    """Remove a pid file whose process is gone, a zombie, or by now somebody else's.

    dockerd takes any process of that number for its own, and does not start, or waits in vain.
    """
    try:
        command = Path(f"/proc/{int(pid_file.read_text())}/cmdline").read_bytes()
    except (OSError, ValueError):
        command = b""
    if str(layout.runtime).encode() not in command:
        pid_file.unlink(missing_ok=True)


def _unmount_below(*folders: Path) -> None:
    """Unmount what a daemon left mounted, innermost first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed(mounts):
        # The kernel writes a space as \040.
        path = Path(mount.replace("\\040", " "))
        if any(path.is_relative_to(folder) for folder in folders):
            subprocess.run(["umount", "--lazy", str(path)], check=False)
