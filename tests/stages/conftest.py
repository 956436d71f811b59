"""The stages on the embedded engine and the rehearsal's registry, with a small image."""

import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import dagger
import pytest
from dagger import dag

from ci.decisions.credentials import Credentials
from ci.embedded.server import session
from ci.main import Ci
from ci.oci.reference import Repository, parse_repository
from tests.contract.conftest import kit  # noqa: F401 - a fixture
from tests.contract.kits import RealKit

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = """\
FROM --platform=$BUILDPLATFORM python:3.11-slim AS tests
COPY answer /answer
RUN grep -q 42 /answer
FROM python:3.11-slim AS release
COPY answer /srv/health
WORKDIR /srv
USER 10001
HEALTHCHECK CMD ["true"]
ENTRYPOINT ["python", "-m", "http.server"]
CMD ["8000"]
"""
SETTINGS = """\
image = "ghcr.io/acme/small"
source = "https://github.com/acme/small"
[build]
context = "app"
target = "release"
platforms = ["linux/amd64", "linux/arm64"]
derived = ["cache"]
[check]
target = "tests"
timeout_s = 60
"""


@dataclass
class Project:
    """A git repository with a small image, and the registry it is released to."""

    root: Path
    remote: RealKit

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> str:
        """Commit everything; returns the revision."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "change")
        return self._git("rev-parse", "HEAD")

    def ci(self, *, as_reader: bool = False, output: str = "table") -> Ci:
        """The module, called as the command line would."""
        who = self.remote.reader if as_reader else self.remote.owner
        here = dag.host().directory(str(self.root))
        port = int(self.remote.repository.registry.rpartition(":")[2])
        return Ci(
            source=dag.host().directory(str(self.root), exclude=[".git"]),
            repo=here.as_git(),
            image=str(self.remote.repository),
            user=who.user,
            token=dag.set_secret(f"token-{who.user}", f"{who.password}\n"),
            via=dag.host().service([dagger.PortForward(backend=port, frontend=port)]),
            format=output,
        )

    def _git(self, *args: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
        command = ["git", "-C", str(self.root), *who, *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def engine(docker_host) -> Iterator[None]:
    """The embedded engine, for as long as these tests run."""
    state = os.environ.get("CI_EMBEDDED_STATE", str(CHECKOUT / ".local" / "engine"))
    with session({**os.environ, "CI_EMBEDDED_STATE": state}):
        yield


@pytest.fixture
async def connection(engine) -> AsyncIterator[None]:
    async with dagger.connection():
        yield


@pytest.fixture
def project(tmp_path, target, credentials, read_only_credentials) -> Project:
    """A fresh project, committed, with a repository of its own in the registry."""
    repository: Repository = parse_repository(f"{target}/acme/small-{secrets.token_hex(4)}")
    remote = RealKit(
        repository,
        Credentials(credentials.user, credentials.token),
        Credentials(read_only_credentials.user, read_only_credentials.token),
    )
    made = Project(tmp_path, remote)
    made._git("init", "-q")
    made.write("ci.toml", SETTINGS)
    made.write("app/Dockerfile", DOCKERFILE)
    made.write("app/.dockerignore", "notes.md\n")
    made.write("app/answer", f"42 {secrets.token_hex(8)}\n")
    made.commit()
    return made
