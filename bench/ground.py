"""What everybody works on: one small project, one registry behind the wire, one Docker."""

import base64
import json
import os
import secrets
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
    opened: ExitStack
    wires: dict[int, Wire] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    count: int = 0
    # The folder's own may be one that no repository can have.
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    newest: Wire = field(init=False)

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
        """Change one line of the source to what no run before this one had, and commit it."""
        self.count += 1
        (self.project / "app" / "answer").write_text(f"{self.name} {self.count}\n")
        self.git("commit", "-qam", "change")

    def git(self, *args: str) -> None:
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.test"]
        self.run("git", "-C", str(self.project), *who, *args)

    def run(self, *command: str, **further: str) -> None:
        """Run a program. `further` is environment."""
        self.output(*command, **further)

    def output(self, *command: str, **further: str) -> str:
        """Run a program; what it says, which is shown when it fails."""
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environ | further,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def image(self, wire: Wire, name: str) -> str:
        """A repository behind this wire."""
        return f"{wire.address}/acme/bench-{self.name}-{name}"

    def open_wire(self, delay_ms: int) -> Wire:
        """A way to the registry under a name that no client has seen yet."""
        upstream = self.environ["REHEARSAL_REGISTRY"]
        self.newest = self.opened.enter_context(Wire(upstream, delay_ms / 1000))
        self.addresses.append(self.newest.address)
        pair = f"{self.environ['REHEARSAL_USER']}:{self.token_file.read_text().strip()}"
        entry = {"auth": base64.b64encode(pair.encode()).decode()}
        known = {"auths": dict.fromkeys(self.addresses, entry)}
        (self.folder / "config.json").write_text(json.dumps(known))
        return self.newest

    def platforms(self, platforms: tuple[str, ...], further: str = "") -> None:
        """Say for which platforms is released, and what else [build] is to have."""
        text = SETTINGS.format(platforms=json.dumps(platforms))
        (self.project / "ci.toml").write_text(f"{text}{further}\n")

    def ci(self, wire: Wire, name: str = "ours") -> Ci:
        """The module, called as the command line would, within the open session."""
        port = wire.port
        here = dag.host().directory(str(self.project))
        return Ci(
            source=dag.host().directory(str(self.project), exclude=[".git"]),
            repo=here.as_git(),
            image=self.image(wire, name),
            user=self.environ["REHEARSAL_USER"],
            token=dag.set_secret("token-bench", self.token_file.read_text()),
            via=dag.host().service([dagger.PortForward(backend=port, frontend=port)]),
        )

    def words(self, wire: Wire, *words: str, name: str = "ours") -> list[str]:
        """The call as a person types it."""
        return [
            *(str(CHECKOUT / "daggerw"), "call", "-m", str(CHECKOUT)),
            *(f"--source={self.project}", f"--repo={self.project}"),
            *(f"--image={self.image(wire, name)}", f"--via=tcp://{wire.address}"),
            *(f"--user={self.environ['REHEARSAL_USER']}", f"--token=file:{self.token_file}"),
            *words,
        ]

    def command(self, wire: Wire, *words: str) -> None:
        """The whole command from a shell."""
        self.run(*self.words(wire, *words))


@contextmanager
def ground(folder: Path, delays_ms: tuple[int, ...]) -> Iterator[Ground]:
    """Make the project and open the wires."""
    known = read_environment(Layout(CHECKOUT)) | dict(os.environ)
    environ = {
        **known,
        "DOCKER_CONFIG": str(folder),
        "REGISTRY_AUTH_FILE": str(folder / "config.json"),
        "CI_ENGINE": "embedded",
        "CI_EMBEDDED_STATE": str(folder / "state"),
        "DOCKER_BUILDKIT": "0",
        "PATH": f"{CHECKOUT / '.local' / 'bin'}:{Path(sys.executable).parent}:{known['PATH']}",
    }
    with ExitStack() as stack:
        made = Ground(folder, environ, stack)
        made.wires = {delay_ms: made.open_wire(delay_ms) for delay_ms in delays_ms}
        (made.project / "app").mkdir(parents=True)
        (made.project / "app" / "Dockerfile").write_text(DOCKERFILE)
        (made.project / "app" / "answer").write_text("42\n")
        made.platforms(ONE)
        made.run("git", "init", "-q", str(made.project))
        made.git("add", "-A")
        made.git("commit", "-qm", "first")
        yield made
