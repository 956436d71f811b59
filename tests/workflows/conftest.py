"""A repository, a runner for it and a laptop beside it, all releasing to one place of their own."""

import itertools
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.clients import Credentials
from tests.faults.observer import Observer
from tests.workflows.origin import CHECKOUT, Origin, make_origin
from tests.workflows.runner import Outcome, Runner

SECONDS = itertools.count(60)
REFERENCE = re.compile(r"\S+@(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Laptop:
    """A person's clone, from which the same calls are made."""

    folder: Path
    environment: dict[str, str]
    token_file: Path

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ./daggerw there."""
        command = ["./daggerw", "call", "--token", f"file:{self.token_file}", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )

    def publish(self, tag: str) -> dict[str, str]:
        """Publish from there, and expect success; what it says as JSON."""
        done = self.call("--format", "json", "publish", "--tag", tag)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@dataclass(frozen=True, slots=True)
class Place:
    """One place to release to, the repository that is released there, and who looks at it."""

    folder: Path
    origin: Origin
    defaults: dict[str, str]
    docker_host: str
    credentials: Credentials
    observer: Observer
    key_file: Path | None = None

    def runner(self) -> Runner:
        """A machine that is used for one run; with a key, also of the job that deploys."""
        folder = self.folder / f"runner-{secrets.token_hex(4)}"
        given, variables = {"GITHUB_TOKEN": self.credentials.token}, {}
        if self.key_file:
            given["DEPLOY_KEY"] = self.key_file.read_text()
            variables["DEPLOY_HOST"] = "production"
        return Runner(folder, self.origin, self.docker_host, self.defaults, given, variables)

    def key_lines(self) -> list[str]:
        """The lines of the private key that hold it."""
        text = self.key_file.read_text() if self.key_file else ""
        return [line for line in text.splitlines() if not line.startswith("-----")]

    def laptop(self, commit: str = "main") -> Laptop:
        """A clone at a commit, made ready as by earlier work there."""
        folder = self.folder / f"laptop-{secrets.token_hex(4)}"
        self.origin.git("clone", "--quiet", ".", str(folder))
        Origin(folder).git("checkout", "--quiet", "--detach", commit)
        lines = (f"{key}={value}\n" for key, value in self.defaults.items())
        (folder / ".env").write_text("".join(lines))
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
        shutil.copytree(CHECKOUT / "app" / "wheelhouse", folder / "app" / "wheelhouse")
        environment = os.environ | {"DOCKER_HOST": self.docker_host, "CI_ENGINE": "embedded"}
        return Laptop(folder, environment, self.credentials.token_file)


def new_tag() -> str:
    """A release tag of the last hour that no other test has; each is newer than the one before."""
    moment = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=next(SECONDS))
    return moment.strftime("%Y%m%d-%H%M%S")


def digest_in(outcome: Outcome) -> str:
    """The digest that publish printed."""
    assert outcome.exit_code == 0, outcome.log
    found = REFERENCE.findall(outcome.log)
    assert found, outcome.log
    return str(found[0])


@pytest.fixture(scope="module")
def make_place(
    tmp_path_factory: pytest.TempPathFactory,
    docker_host: str,
    target: str,
    credentials: Credentials,
) -> Callable[[], Place]:
    """Makes a place whose registry is empty."""

    def make() -> Place:
        folder = tmp_path_factory.mktemp("place")
        (folder / "origin").mkdir()
        path = f"acme/{secrets.token_hex(4)}"
        defaults = {
            "IMAGE": f"{target}/{path}",
            "VIA": f"tcp://{target}",
            "USER": credentials.user,
        }
        observer = Observer(target, path, credentials.user, credentials.token)
        origin = make_origin(folder / "origin")
        return Place(folder, origin, defaults, docker_host, credentials, observer)

    return make
