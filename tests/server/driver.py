"""A small stand-in for the client: uploads plan, compose file and script, starts, follows."""

import base64
import dataclasses
import hashlib
import io
import itertools
import json
import os
import secrets
import subprocess
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.server.images import Image

Value = str | int | tuple[str | int, ...]
SOURCES = Path(__file__).resolve().parents[2] / "ci" / "server"
COMPOSE = """
services:
  web:
    image: ${IMAGE:?}
    restart: unless-stopped
    ports: ["${PORT:?}:8000"]
    environment: {GREETING: "${GREETING:?}"}
    depends_on: [store]
    stop_grace_period: 2s
  store:
    image: python:3.11-slim
    command: ["sleep", "infinity"]
    init: true
"""


def script() -> bytes:
    """The script, made of its parts."""
    return b"".join(
        (SOURCES / name).read_bytes() for name in (SOURCES / "PARTS").read_text().split()
    )


def wait_until(condition: Callable[[], object]) -> None:
    """Poll, for longer than any machine should need."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transaction ended, and the lines it wrote."""

    exit_code: int
    code: str
    lines: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """All of it, for a person."""
        return "\n".join(f"{kind} {text}" for kind, text in self.lines)

    def texts(self, kind: str) -> list[str]:
        """The lines of one kind."""
        return [text for found, text in self.lines if found == kind]


@dataclass(frozen=True, slots=True)
class Remote:
    """The server over OpenSSH, with the host key pinned and no other configuration."""

    server: dict[str, str]

    def command(self, line: str) -> list[str]:
        """The ssh command for a line of the remote shell."""
        options = {
            "UserKnownHostsFile": self.server["SERVER_KNOWN_HOSTS"],
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
        }
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        address = f"{self.server['SERVER_USER']}@{self.server['SERVER_HOST']}"
        port, key = self.server["SERVER_PORT"], self.server["SERVER_KEY_FILE"]
        return ["ssh", "-F", "none", *words, "-i", key, "-p", port, "--", address, line]

    def run(self, line: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a line there; the outcome, whatever it is."""
        done = subprocess.run(
            self.command(line), input=stdin, capture_output=True, check=False, timeout=180
        )
        out, error = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return subprocess.CompletedProcess(done.args, done.returncode, out, error)

    def allowed(self, line: str, stdin: bytes = b"") -> str:
        """Run a line there and expect success; its standard output."""
        done = self.run(line, stdin)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def upload(self, path: str, content: bytes) -> None:
        """Put a file there."""
        self.allowed(f"mkdir -p $(dirname {path}) && cat >{path}", content)

    def upload_all(self, folder: str, files: dict[str, bytes]) -> None:
        """Put files there, over one connection."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        self.allowed(f"mkdir -p {folder} && tar -C {folder} -xf -", archive.getvalue())


@dataclass(frozen=True, slots=True)
class Stack:
    """One application directory on the server, and the deploys into it."""

    remote: Remote
    directory: str
    project: str
    user: str
    token: str
    port: int
    path: str = "$PATH"
    compose: str = COMPOSE
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def plan(self, image: Image | None, **changes: Value) -> tuple[str, bytes]:
        """A plan's id and bytes; `changes` set or, with "", remove keys; a tuple repeats them."""
        values: dict[str, Value] = {
            "plan": 1,
            "nonce": secrets.token_hex(16),
            "action": "deploy" if image else "recover",
            "directory": self.directory,
            "project": self.project,
        }
        if image:
            values |= {
                "service": "web",
                "repository": image.repository,
                "digest": image.digest,
                "manifest": image.manifest,
                "config": image.config,
                "tag": image.tag,
                "compose": self.compose_digest,
                "platform": "linux/amd64",
                "health-path": "/health",
                "port": 8000,
                "version-path": "/version",
                "version-key": "tag",
                "dependency": "store",
                "published": self.port,
                "window": 1,
                "probes": 2,
                "timeout": 90,
            }
        values |= {key.replace("_", "-"): value for key, value in changes.items()}
        lines = [
            f"{key} {value}\n"
            for key, given in values.items()
            for value in (given if isinstance(given, tuple) else (given,))
            if value != ""
        ]
        return f"run-{next(self.numbers):03}", "".join([*lines, "end\n"]).encode()

    def start(self, image: Image | None, **changes: Value) -> str:
        """Upload everything and start the transaction; its id."""
        name, plan = self.plan(image, **changes)
        done = self.start_plan(name, plan)
        assert done.returncode == 0, done
        return name

    def start_plan(self, name: str, plan: bytes) -> subprocess.CompletedProcess[str]:
        """Upload everything and start what a plan says; the launcher's answer."""
        self.upload_run(name, plan)
        return self.remote.run(self.starting(name), self.login)

    def starting(self, name: str) -> str:
        """The remote shell's line that starts what was uploaded."""
        return self.verb(f"start {self.directory} {name}")

    @property
    def login(self) -> bytes:
        """What the launcher is told on standard input."""
        return base64.b64encode(f"{self.user}:{self.token}".encode()) + b"\nend\n"

    def upload_run(self, name: str, plan: bytes) -> None:
        """Put everything there that a plan needs."""
        raw = script()
        home = f"{self.directory}/.ci"
        files = {
            f"bin/{hashlib.sha256(raw).hexdigest()}.sh": raw,
            f"compose/{self.compose_digest}.yaml": self.compose.encode(),
            f"plans/{name}": plan,
        }
        self.remote.upload_all(home, files)

    def following(self, name: str) -> list[str]:
        """The command that follows a transaction, as another client would run it."""
        return self.remote.command(self.verb(f"follow {self.directory} {name}"))

    def follow(self, name: str) -> Outcome:
        """Wait for the end of a transaction."""
        text = self.remote.run(self.verb(f"follow {self.directory} {name}")).stdout
        nonce = text.partition(" ")[0]
        lines = [line.split(" ", 2) for line in text.splitlines() if line.startswith(f"{nonce} ")]
        parsed = tuple((parts[1], parts[2] if len(parts) > 2 else "") for parts in lines)
        if not parsed or parsed[-1][0] != "end":
            return Outcome(-1, "Lost", parsed)
        number, code = parsed[-1][1].split()
        return Outcome(int(number), code, parsed)

    def deploy(self, image: Image | None, **changes: Value) -> Outcome:
        """Run a transaction to its end."""
        return self.follow(self.start(image, **changes))

    def deploy_with_path(self, path: str, image: Image, **changes: Value) -> Outcome:
        """The same where other programs come first."""
        return self.with_path(path).deploy(image, **changes)

    def with_path(self, path: str) -> "Stack":
        """The same directory where other programs come first."""
        return dataclasses.replace(self, path=path)

    def at(self, directory: str) -> "Stack":
        """The same stack where its directory is called otherwise."""
        return dataclasses.replace(self, directory=directory)

    def out(self, name: str) -> str:
        """What a transaction has written so far."""
        return self.remote.allowed(f"cat {self.directory}/.ci/out/{name}")

    def with_compose(self, old: str, new: str) -> "Stack":
        """The same directory with another compose file."""
        assert old in self.compose
        return dataclasses.replace(self, compose=self.compose.replace(old, new))

    @property
    def docker_host(self) -> str:
        """The server's Docker past SSH; another address after a power cut."""
        return self.remote.server["SERVER_DOCKER_HOST"]

    @property
    def compose_digest(self) -> str:
        """The compose file's name on the server."""
        return hashlib.sha256(self.compose.encode()).hexdigest()

    def deploy_as(self, user: str, token: str, image: Image) -> Outcome:
        """The same with other credentials."""
        return dataclasses.replace(self, user=user, token=token).deploy(image)

    def recover(self) -> Outcome:
        """Settle what an earlier one left."""
        return self.deploy(None)

    def service(self, name: str = "web") -> list[dict]:
        """Every container of the service, as the server's Docker shows it to an observer."""
        filters = [f"label=com.docker.compose.project={self.project}"]
        filters.append(f"label=com.docker.compose.service={name}")
        words = [word for text in filters for word in ("--filter", text)]
        found = self.observe("ps", "--all", "--quiet", *words).split()
        return json.loads(self.observe("inspect", *found)) if found else []

    def observe(self, *arguments: str) -> str:
        """Ask the server's Docker past SSH and past the transaction."""
        done = subprocess.run(
            ["docker", *arguments],
            env=os.environ | {"DOCKER_HOST": self.docker_host},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def verb(self, words: str) -> str:
        """The remote shell's line that runs one of the script's verbs."""
        raw = hashlib.sha256(script()).hexdigest()
        return f"PATH={self.path}; export PATH; sh {self.directory}/.ci/bin/{raw}.sh {words}"
