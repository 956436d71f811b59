"""The rehearsal server with an empty stack for each test, and the images that go there."""

import contextlib
import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.environment import read_environment
from rehearsal.layout import Layout
from rehearsal.server import Server, status
from rehearsal.server_proxy import publish_proxy
from tests.clients import Client, Credentials, client, missing
from tests.server.crew import SIZE
from tests.server.driver import Remote, Stack
from tests.server.images import Image, Maker, maker_with_base
from tests.server.machine import NUMBER

PORTS = itertools.count(8001)
CHECKOUT = Path(__file__).resolve().parents[2]


def started(store: str) -> dict[str, str]:
    """The variables of a running rehearsal server, started where it was not."""
    which = ("--store", store, "--number", str(NUMBER))
    command = [sys.executable, "-m", "rehearsal.server", "up", *which]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"no rehearsal server ({done.stderr.strip()})")
    variables = status(Server(Layout(CHECKOUT), store, NUMBER))
    # What a session that was killed left behind holds ports.
    remove_projects(variables["SERVER_DOCKER_HOST"], "test-")
    return variables


def remove_projects(docker_host: str, prefix: str) -> None:
    """Remove the containers and networks of compose projects by how they are called."""
    for kind, listing, removal in (
        ("container", ("ls", "--all", "--format", "{{.Names}}"), ("rm", "--force", "--volumes")),
        ("network", ("ls", "--format", "{{.Name}}"), ("rm",)),
    ):
        docker = ["docker", "--host", docker_host, kind]
        names = subprocess.run([*docker, *listing], capture_output=True, text=True, check=True)
        ours = [
            name
            for name in names.stdout.split()
            if name.removeprefix("ci-candidate-").startswith(prefix)
        ]
        if ours:
            subprocess.run([*docker, *removal, *ours], capture_output=True, check=False)


@pytest.fixture(scope="module")
def server(target: str, mirror: str) -> dict[str, str]:
    """The server whose Docker has the classic image store."""
    if os.geteuid() != 0:
        missing("only root may start the rehearsal server")
    return started("classic")


@pytest.fixture(scope="module")
def proxied(server: dict[str, str]) -> dict[str, str]:
    """The same server, which can have a proxy from the mirror."""
    layout = Layout(CHECKOUT)
    publish_proxy(layout, read_environment(layout))
    return server


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
) -> Iterator[Stack]:
    """An empty application directory."""
    yield from fresh_stack(server, credentials, shell)


def fresh_stack(server: dict[str, str], credentials: Credentials, shell: str) -> Iterator[Stack]:
    project = f"test-{secrets.token_hex(4)}"
    remote = Remote(server)
    path = "$PATH"
    if shell == "busybox":
        # Every tool that busybox has is busybox's, the shell included; flock -n 9 too.
        remote.allowed("mkdir -p ~/busybox && busybox --install -s ~/busybox")
        path = "$HOME/busybox:$PATH"
    directory = f"/home/deploy/{project}"
    port = next(PORTS)
    stack = Stack(remote, directory, project, credentials.user, credentials.token, port, path)
    remote.upload(f"{directory}/.env", f"GREETING=hello\nPORT={port}\n".encode())
    try:
        yield stack
    finally:
        remove_projects(stack.docker_host, project)
        remote.run(f"rm -rf {directory}")


@pytest.fixture(scope="module")
def deployed(
    server: dict[str, str],
    credentials: Credentials,
    image: Callable[[str], Image],
) -> Iterator[Stack]:
    """A stack on which the good image runs; every test must leave it so."""
    with contextlib.contextmanager(fresh_stack)(server, credentials, "dash") as stack:
        expect_good(stack, image("good"))
        yield stack


@pytest.fixture(scope="module")
def crew(
    server: dict[str, str],
    credentials: Credentials,
    image: Callable[[str], Image],
) -> Iterator[list[Stack]]:
    """Several such stacks."""
    fresh = contextlib.contextmanager(fresh_stack)
    with contextlib.ExitStack() as all_of_them:
        stacks = [
            all_of_them.enter_context(fresh(server, credentials, "dash")) for _ in range(SIZE)
        ]
        good = image("good")
        with ThreadPoolExecutor(SIZE) as pool:
            list(pool.map(lambda stack: expect_good(stack, good), stacks))
        yield stacks


def expect_good(stack: Stack, good: Image) -> None:
    done = stack.deploy(good, candidate="off")
    assert done.exit_code == 0, done.text
