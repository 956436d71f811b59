"""What everybody works on: one small project, one registry behind the wire, one Docker."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagger
from dagger import dag

from bench.wire import Wire
from ci.main import Ci
from rehearsal.environment import read_environment
from rehearsal.layout import Layout

CHECKOUT = Path(__file__).resolve().parent.parent
BASE = "python:3.11-slim"
DOCKERFILE = f"""\
FROM {BASE}
COPY answer /srv/health
WORKDIR /srv
USER 10001
HEALTHCHECK CMD ["true"]
ENTRYPOINT ["python", "-m", "http.server"]
CMD ["8000"]
"""
SETTINGS = """\
image = "ghcr.io/acme/small"
[build]
context = "app"
platforms = {platforms}
"""
ONE, TWO = ("linux/amd64",), ("linux/amd64", "linux/arm64")


@dataclass
class Ground:
    """The project, and where things are."""

    folder: Path
    environ: dict[str, str]
    wires: dict[int, Wire]
    count: int = 0
    built: dict[str, str] = field(default_factory=dict)

    @property
    def token_file(self) -> Path:
        return Path(self.environ["REHEARSAL_TOKEN_FILE"])

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def tag(self) -> str:
        """A release tag that was not used yet."""
        self.count += 1
        moment = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=self.count)
        return moment.strftime("%Y%m%d-%H%M%S")

    def change(self) -> None:
        """Change one line of the source, and commit it."""
        self.count += 1
        (self.project / "app" / "answer").write_text(f"{self.count}\n")
        self.git("commit", "-qam", "change")

    def git(self, *args: str) -> None:
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.test"]
        self.run("git", "-C", str(self.project), *who, *args)

    def run(self, *command: str) -> None:
        """Run a program of the peers; what it says is shown when it fails."""
        done = subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")

    def image(self, delay_ms: int, name: str) -> str:
        """A repository behind the wire of this delay."""
        return f"{self.wires[delay_ms].address}/acme/bench-{self.folder.name[-6:]}-{name}"

    def platforms(self, platforms: tuple[str, ...]) -> None:
        """Say for which platforms is released."""
        (self.project / "ci.toml").write_text(SETTINGS.format(platforms=json.dumps(platforms)))

    def ci(self, delay_ms: int) -> Ci:
        """The module, called as the command line would, within the open session."""
        port = self.wires[delay_ms].port
        here = dag.host().directory(str(self.project))
        return Ci(
            source=dag.host().directory(str(self.project), exclude=[".git"]),
            repo=here.as_git(),
            image=self.image(delay_ms, "ours"),
            user=self.environ["REHEARSAL_USER"],
            token=dag.set_secret("token-bench", self.token_file.read_text()),
            via=dag.host().service([dagger.PortForward(backend=port, frontend=port)]),
        )

    def command(self, delay_ms: int, *words: str) -> None:
        """The whole command from a shell."""
        address = self.wires[delay_ms].address
        self.run(
            *(str(CHECKOUT / "daggerw"), "call", "-m", str(CHECKOUT)),
            *(f"--source={self.project}", f"--repo={self.project}"),
            *(f"--image={self.image(delay_ms, 'ours')}", f"--via=tcp://{address}"),
            *(f"--user={self.environ['REHEARSAL_USER']}", f"--token=file:{self.token_file}"),
            *words,
        )


@contextmanager
def ground(folder: Path, delays_ms: tuple[int, ...]) -> Iterator[Ground]:
    """Make the project and open the wires."""
    known = read_environment(Layout(CHECKOUT)) | dict(os.environ)
    token = Path(known["REHEARSAL_TOKEN_FILE"]).read_text().strip()
    pair = base64.b64encode(f"{known['REHEARSAL_USER']}:{token}".encode()).decode()
    with ExitStack() as stack:
        target = known["REHEARSAL_REGISTRY"]
        wires = {ms: stack.enter_context(Wire(target, ms / 1000)) for ms in delays_ms}
        auths = {wire.address: {"auth": pair} for wire in wires.values()}
        (folder / "config.json").write_text(json.dumps({"auths": auths}))
        environ = {
            **known,
            "DOCKER_CONFIG": str(folder),
            "REGISTRY_AUTH_FILE": str(folder / "config.json"),
            "CI_ENGINE": "embedded",
            "CI_EMBEDDED_STATE": str(folder / "state"),
            "DOCKER_BUILDKIT": "0",
            "PATH": f"{CHECKOUT / '.local' / 'bin'}:{Path(sys.executable).parent}:{known['PATH']}",
        }
        made = Ground(folder, environ, wires)
        (made.project / "app").mkdir(parents=True)
        (made.project / "app" / "Dockerfile").write_text(DOCKERFILE)
        (made.project / "app" / "answer").write_text("42\n")
        made.platforms(ONE)
        made.run("git", "init", "-q", str(made.project))
        made.git("add", "-A")
        made.git("commit", "-qm", "first")
        yield made
