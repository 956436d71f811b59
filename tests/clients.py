"""docker and skopeo as the tests use them: each with a configuration of its own."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user of the target registry and the file with the token."""

    user: str
    token_file: Path

    @property
    def token(self) -> str:
        """The password that the registry's token server knows."""
        return self.token_file.read_text().strip()


def missing(what: str) -> None:
    """Skip the test, or fail it in CI, where everything must be there."""
    reason = f"{what}: run `make setup`"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Client:
    """A command-line client with its own configuration folder."""

    program: str
    environment: dict[str, str]
    folder: Path

    def run(
        self, *arguments: str, stdin: str | bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it; the outcome, whatever it is."""
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            input=raw,
            capture_output=True,
            check=False,
            timeout=120,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def allowed(self, *arguments: str, stdin: str | bytes | None = None) -> str:
        """Run it and expect success; its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it and expect failure; its standard error."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def log_in(self, registry: str, credentials: Credentials) -> None:
        """Remember the credentials, as `docker login` writes them."""
        pair = base64.b64encode(f"{credentials.user}:{credentials.token}".encode()).decode()
        settings = {"auths": {registry: {"auth": pair}}}
        (self.folder / "config.json").write_text(json.dumps(settings))


def client(program: str, folder: Path, further: dict[str, str]) -> Client:
    if shutil.which(program) is None:
        missing(f"no {program}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **further}
    return Client(program, environment, folder)
