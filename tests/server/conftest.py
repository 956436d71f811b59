"""The rehearsal server with an empty stack for each test, and the images that go there."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal.layout import Layout
from rehearsal.server import Server, status
from tests.clients import Client, Credentials, client, missing
from tests.server.driver import Remote, Stack
from tests.server.images import Image, Maker, maker_with_base

CHECKOUT = Path(__file__).resolve().parents[2]


def started(store: str) -> dict[str, str]:
    """The variables of a running rehearsal server, started where it was not."""
    command = [sys.executable, "-m", "rehearsal.server", "up", "--store", store]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"no rehearsal server ({done.stderr.strip()})")
    return status(Server(Layout(CHECKOUT), store))


@pytest.fixture(scope="session")
def server(target: str, mirror: str) -> dict[str, str]:
    """The server whose Docker has the classic image store."""
    if os.geteuid() != 0:
        missing("only root may start the rehearsal server")
    return started("classic")


@pytest.fixture(scope="session")
def session_skopeo(
    tmp_path_factory: pytest.TempPathFactory, target: str, credentials: Credentials
) -> Client:
    """skopeo, logged in to the target registry."""
    folder = tmp_path_factory.mktemp("skopeo")
    found = client("skopeo", folder, {"REGISTRY_AUTH_FILE": str(folder / "config.json")})
    found.log_in(target, credentials)
    return found


@pytest.fixture(scope="session")
def maker(
    tmp_path_factory: pytest.TempPathFactory, session_skopeo: Client, target: str, mirror: str
) -> Maker:
    """Makes images in a repository of this session's own."""
    folder = tmp_path_factory.mktemp("images")
    repository = f"{target}/server/{secrets.token_hex(4)}"
    return maker_with_base(folder, session_skopeo, mirror, repository)


@pytest.fixture(scope="session")
def image(maker: Maker) -> Callable[[str], Image]:
    """The image with a fault, by name; made once a session."""
    made: dict[str, Image] = {}

    def get(mode: str) -> Image:
        if mode not in made:
            made[mode] = maker.make(f"20260123-1705{len(made):02}", mode)
        return made[mode]

    return get


@pytest.fixture(params=["dash"])
def shell(request: pytest.FixtureRequest) -> str:
    """The shell that the transaction runs in; tests ask for others."""
    return request.param


@pytest.fixture
def stack(
    server: dict[str, str],
    credentials: Credentials,
    shell: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """An empty application directory."""
    yield from fresh_stack(server, credentials, shell, tmp_path_factory.mktemp("ssh"))


def fresh_stack(
    server: dict[str, str], credentials: Credentials, shell: str, folder: Path
) -> Iterator[Stack]:
    project = f"t{secrets.token_hex(4)}"
    remote = Remote(server, folder / "control")
    path = "$PATH"
    if shell == "busybox":
        # Every tool that busybox has is busybox's, the shell included; flock -n 9 too.
        remote.allowed("mkdir -p ~/busybox && busybox --install -s ~/busybox")
        path = "$HOME/busybox:$PATH"
    directory = f"/home/deploy/{project}"
    docker = {"DOCKER_HOST": server["SERVER_DOCKER_HOST"]}
    stack = Stack(remote, directory, project, docker, credentials, path)
    remote.upload(f"{directory}/.env", b"GREETING=hello\n")
    try:
        yield stack
    finally:
        listed = stack.observe(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}"
        )
        if listed.split():
            stack.observe("rm", "--force", "--volumes", *listed.split())
        remote.run(f"rm -rf {directory}")
        subprocess.run(
            [*remote.command("true")[:-3], "-O", "exit", "--", "x"],
            capture_output=True,
            check=False,
        )
