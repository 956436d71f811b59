"""A site as a team has it: a source with ci.toml and a compose file, and a server to deploy to."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.clients import Client, Credentials
from tests.server.conftest import fresh_stack
from tests.server.driver import COMPOSE, Stack
from tests.server.images import SERVICE, Image, Maker

CHECKOUT = Path(__file__).resolve().parents[2]
SETTINGS = """
image = "{repository}"
[build]
platforms = ["linux/amd64"]
[deploy]
project = "{project}"
service = "web"
window_s = 1
probes = 2
timeout_s = 30
{deploy}
[hosts.rehearsal]
address = "{host}"
port = {port}
user = "{user}"
directory = "{directory}"
"""
DOCKERFILE = """\
FROM python:3.11-slim
COPY service.py /service.py
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=1s --timeout=5s --retries=30 CMD ["python3", "/service.py", "probe"]
ENTRYPOINT ["python3", "/service.py"]
ARG TAG
ENV MODE=good APP_TAG=$TAG
"""
VERSIONED = 'version_path = "/version"'


@dataclass(frozen=True, slots=True)
class Site:
    """One source and one stack on the rehearsal server."""

    source: Path
    stack: Stack
    maker: Maker
    skopeo: Client
    credentials: Credentials
    docker_host: str

    def configure(self, deploy: str = VERSIONED, compose: str = COMPOSE) -> None:
        """Write the source's files."""
        server = self.stack.remote.server
        text = SETTINGS.format(
            repository=self.maker.repository,
            project=self.stack.project,
            deploy=deploy,
            host=server["SERVER_HOST"],
            port=server["SERVER_PORT"],
            user=server["SERVER_USER"],
            directory=self.stack.directory,
        )
        (self.source / "ci.toml").write_text(text)
        (self.source / "compose.yaml").write_text(compose)

    def commit(self, message: str = "first") -> None:
        """Commit the source with what its image is built from; the first time, make it git's."""
        (self.source / "Dockerfile").write_text(DOCKERFILE)
        (self.source / "service.py").write_text(f"# {message}\n{SERVICE}")
        who = ("-c", "user.name=t", "-c", "user.email=t@example.test")
        for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", message)):
            subprocess.run(["git", "-C", self.source, *words], check=True)

    def publish(self, tag: str, mode: str = "good", *, padding: bytes = b"") -> Image:
        """Put an image into the registry as a release, the newest one."""
        image = self.maker.make(tag, mode, padding=padding)
        self.skopeo.allowed(
            *("copy", "--all", "--preserve-digests"),
            *("--src-tls-verify=false", "--dest-tls-verify=false"),
            *(f"docker://{self.maker.repository}:{name}" for name in (tag, "latest")),
        )
        return image

    def command(self, *words: str) -> list[str]:
        """The call as a person types it; `words` go between the registry's and the server's."""
        registry = self.maker.repository.partition("/")[0]
        return [
            *("./daggerw", "call", "--source", str(self.source), "--via", f"tcp://{registry}"),
            *("--user", self.credentials.user, "--token", f"file:{self.credentials.token_file}"),
            *words,
            *("--key", f"file:{self.stack.remote.server['SERVER_KEY_FILE']}"),
            *("--known", self.stack.remote.server["SERVER_KNOWN_HOSTS"]),
        ]

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Begin the call, in a session of its own."""
        return subprocess.Popen(
            self.command(*words),
            cwd=CHECKOUT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """For the embedded engine on the tests' Docker."""
        return os.environ | {"DOCKER_HOST": self.docker_host, "CI_ENGINE": "embedded"}

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Make the call; the outcome, whatever it is."""
        return subprocess.run(
            self.command(*words),
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def allowed(self, *words: str) -> str:
        """Make the call and expect success; its result."""
        done = self.call(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, code: str, *words: str) -> str:
        """Make the call and expect a failure of this code; what it said."""
        done = self.call(*words)
        assert done.returncode != 0, done.stdout
        assert done.stdout == ""
        assert f"Error: {code}: " in done.stderr, done.stderr
        return done.stderr


def fresh_site(
    folder: Path,
    server: dict[str, str],
    credentials: Credentials,
    maker: Maker,
    skopeo: Client,
    docker_host: str,
) -> Iterator[Site]:
    """A site whose server has nothing but the stack's `.env`, with a repository of its own."""
    stacks = fresh_stack(server, credentials, "dash")
    repository = f"{maker.repository}/{secrets.token_hex(4)}"
    own = Maker(maker.layout, skopeo, repository)
    site = Site(folder, next(stacks), own, skopeo, credentials, docker_host)
    site.configure()
    yield site
    next(stacks, None)
