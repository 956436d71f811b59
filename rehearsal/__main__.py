"""`python -m rehearsal up|down|status`: start what is missing, stop what was started, or show."""

import argparse
import contextlib
import fcntl
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rehearsal import containers, docker_daemon, registries, server
from rehearsal.environment import read_environment, write_environment
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.ports import Ports, choose_ports
from rehearsal.processes import running
from rehearsal.turns import machine_turn

CHECKOUT = Path(__file__).resolve().parent.parent


def up_own(layout: Layout, base: Path) -> None:
    """Everything from Debian's packages: registries, the base image in the mirror, Docker."""
    from rehearsal.base_image import assemble
    from rehearsal.credentials import ensure_secrets
    from rehearsal.mirror import publish_base

    ensure_secrets(layout)
    with machine_turn():
        ports = choose_ports(layout, lambda name: running(layout, name) is not None)
        with step(f"registries on ports {ports.target}, {ports.mirror}, tokens on {ports.tokens}"):
            registries.start_registries(layout, ports)
    with step(f"base image in the mirror localhost:{ports.mirror}"):
        if not (base / "index.json").exists():
            assemble(base)
        publish_base(base, f"localhost:{ports.mirror}")
    with step(f"Docker daemon at {layout.docker_host}, bridge {layout.bridge}"):
        docker_daemon.start_docker(layout, ports)
    write_environment(layout, ports, docker_host=layout.docker_host, own=True)


def up_found(layout: Layout, engine: str) -> None:
    """On a Docker engine that is there: the registries as containers, images from Docker Hub."""
    from rehearsal.credentials import ensure_secrets

    if read_environment(layout).get("REHEARSAL_OWN_ENGINE"):
        down(layout)
    ensure_secrets(layout)
    docker = containers.Docker(layout, engine)
    with machine_turn():
        ports = choose_ports(layout, docker.is_running)
        with step(f"Docker at {engine}: containers {', '.join(docker.names())}"):
            docker.start(ports)
    write_environment(layout, ports, docker_host=engine, own=False)


def down(layout: Layout) -> None:
    """Stop what was started, and remove everything but the Debian packages."""
    environment = read_environment(layout)
    with step("servers to deploy to"):
        server.stop_servers(layout)
    if environment.get("REHEARSAL_OWN_ENGINE") == "" and "DOCKER_HOST" in environment:
        with step("containers of the rehearsal"):
            containers.Docker(layout, environment["DOCKER_HOST"]).remove()
    with step("Docker daemon, its containers, mounts and bridge"):
        docker_daemon.stop_docker(layout, Ports())
    with step("registries"):
        registries.stop_registries(layout)
    with step(f"{layout.state}"):
        shutil.rmtree(layout.state, ignore_errors=True)


def status(layout: Layout) -> None:
    """Print what runs and where."""
    for name in (*registries.NAMES, docker_daemon.NAME):
        pid = running(layout, name)
        print(f"{name:8} {f'pid {pid}' if pid else '-'}")
    for key, value in read_environment(layout).items():
        print(f"{key}={value}")


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is done before it is done, and afterwards how long it took."""
    print(f"==> {text}", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(file=sys.stderr)
        raise
    print(f" ({time.monotonic() - started:.1f} s)", file=sys.stderr)


@contextlib.contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Keep a second `make` of this checkout out until this one is done."""
    folder = layout.checkout / ".local"
    folder.mkdir(exist_ok=True)
    with (folder / "rehearsal.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Run one of the three verbs; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("--base", type=Path, help="folder of the base image's parts")
    parser.add_argument("--engine", help="address of a Docker engine to use instead of our own")
    arguments = parser.parse_args()
    layout = Layout(CHECKOUT)
    try:
        with only_one(layout):
            if arguments.verb == "down":
                down(layout)
            elif arguments.verb == "status":
                status(layout)
            elif arguments.engine:
                up_found(layout, arguments.engine)
            else:
                up_own(layout, arguments.base.resolve())
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
