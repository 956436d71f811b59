"""Repositories of other teams: their files, their history, and no Python of this project's."""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.calls.way import way_to_registry
from tests.clients import Credentials
from tests.engine.engines import CHOICE, is_embedded
from tests.go_programs import build_program
from tests.server.conftest import fresh_stack, server
from tests.server.driver import Stack

__all__ = ["server"]
CHECKOUT = Path(__file__).resolve().parents[2]
PROJECTS = Path(__file__).parent / "projects"
HOST = """
[hosts.rehearsal]
address = "{SERVER_HOST}"
port = {SERVER_PORT}
user = "{SERVER_USER}"
directory = "{directory}"
"""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another team's repository, and the registry that it releases to."""

    root: Path
    image: str
    registry: str
    credentials: Credentials

    def git(self, *words: str) -> str:
        """Run git there; what it printed."""
        who = ["-c", "user.name=they", "-c", "user.email=they@example.test"]
        command = ["git", "-C", str(self.root), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the pipeline from there, as a module that lies elsewhere."""
        access = ["--user", self.credentials.user, "--token", f"file:{self.credentials.token_file}"]
        place = ["--image", self.image, "--via", f"tcp://{self.registry}"]
        module = [str(CHECKOUT / "daggerw"), "-m", str(CHECKOUT), "call", "--source=."]
        return subprocess.run(
            [*module, *place, *access, *words],
            cwd=self.root,
            env=os.environ | {CHOICE: os.environ.get(CHOICE) or "embedded"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


@pytest.fixture
def tag() -> str:
    """A release tag of now."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


@pytest.fixture
def registry(target: str) -> Iterator[str]:
    """The registry as the engine reaches it."""
    if is_embedded():
        yield target
    else:
        with way_to_registry(target) as way:
            yield way.address


@pytest.fixture
def foreign(
    tmp_path: Path, docker_host: str, registry: str, credentials: Credentials
) -> Callable[[str], Foreign]:
    """Makes the repository of a project of `projects`, committed."""

    def make(name: str) -> Foreign:
        root = tmp_path / name
        shutil.copytree(PROJECTS / name, root)
        image = f"{registry}/{name}/{secrets.token_hex(4)}"
        made = Foreign(root, image, registry, credentials)
        (root / ".gitignore").write_text("dist\n")
        made.git("init", "-q")
        made.commit(f"the first of {name}")
        if name == "go-service":
            for architecture in ("amd64", "arm64"):
                kept = CHECKOUT / ".local" / "bin" / f"go-service-{architecture}"
                build_program(PROJECTS / name, kept, architecture)
                (root / "dist").mkdir(exist_ok=True)
                shutil.copy(kept, root / "dist" / f"service-{architecture}")
        return made

    return make


@dataclass(frozen=True, slots=True)
class Deployed:
    """Their repository, and the directory of their own on the rehearsal server."""

    theirs: Foreign
    stack: Stack

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call what needs the server; the outcome, whatever it is."""
        server = self.stack.remote.server
        access = ("--key", f"file:{server['SERVER_KEY_FILE']}")
        return self.theirs.call(*words, *access, "--known", server["SERVER_KNOWN_HOSTS"])

    def call(self, *words: str) -> str:
        """The same, where success is expected; its result."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def deployed(
    foreign: Callable[[str], Foreign], server: dict[str, str], credentials: Credentials, name: str
) -> Iterator[Deployed]:
    """A project whose ci.toml names the rehearsal server, where only its `.env` is yet."""
    theirs = foreign(name)
    for stack in fresh_stack(server, credentials, "dash"):
        variables = f"PORT={stack.port}\nPOSTGRES_PASSWORD={secrets.token_hex(8)}\n"
        stack.remote.upload(f"{stack.directory}/.env", variables.encode())
        settings = theirs.root / "ci.toml"
        own = re.sub("(?m)^project = .*", f'project = "{stack.project}"', settings.read_text())
        settings.write_text(own + HOST.format(**server, directory=stack.directory))
        theirs.commit("where it runs")
        yield Deployed(theirs, stack)
