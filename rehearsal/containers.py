"""On a Docker engine that is there: the registries and the token server as containers."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.credentials import certificate_file
from rehearsal.errors import CommandFailed, ServiceNotStarted
from rehearsal.layout import Layout
from rehearsal.ports import Ports
from rehearsal.registries import status_of
from rehearsal.settings import token_auth, write_registry, write_token_server

REGISTRY_IMAGE = "registry:2"
PYTHON_IMAGE = "python:3.11-slim"
INSIDE = Path("/rehearsal")
TIMEOUT_S = 120.0


class Docker:
    """The containers of one checkout, on one engine."""

    def __init__(self, layout: Layout, address: str) -> None:
        self._layout, self._address = layout, address

    def names(self) -> list[str]:
        """The containers' names, which are this checkout's own."""
        return [self._name(service) for service in ("tokens", "mirror", "target")]

    def is_running(self, service: str) -> bool:
        """Whether the service's container runs."""
        seen = self._run("ps", "--quiet", "--filter", f"name=^{self._name(service)}$")
        return bool(seen.strip())

    def start(self, ports: Ports) -> None:
        """Make all three run and answer."""
        self._ensure("tokens", ports.tokens, 400, self._token_server())
        self._ensure("mirror", ports.mirror, 200, self._mirror())
        self._ensure("target", ports.target, 401, self._target(ports))

    def remove(self) -> None:
        """Remove the containers with what they stored, and what the embedded engine left."""
        self._run("rm", "--force", "--volumes", *self.names())
        identity = self._layout.checkout / ".local" / "engine" / "id"
        if identity.exists():
            mine = f"label=ci.embedded.state={identity.read_text().strip()}"
            self._remove("rm", self._run("ps", "--all", "--quiet", "--filter", mine))
            self._remove("volume", "rm", self._run("volume", "ls", "--quiet", "--filter", mine))
            # Keyed by content: another checkout that shared one makes it again.
            named = ("--format", "{{.Repository}}:{{.Tag}}", "ci-embedded")
            self._remove("rmi", self._run("images", *named))

    def _remove(self, *verb_and_names: str) -> None:
        *verb, names = verb_and_names
        if names:
            self._run(*verb, "--force", *sorted(set(names.split())))

    def _token_server(self) -> Sequence[str]:
        state, checkout = self._layout.state, self._layout.checkout
        write_token_server(self._layout, address="0.0.0.0", port=5000)  # noqa: S104
        install = f"pip install --quiet --require-hashes --requirement {INSIDE}/lock.txt"
        return (
            *self._mount(state, INSIDE / "state"),
            *self._mount(checkout / "rehearsal", INSIDE / "rehearsal"),
            *self._mount(checkout / "locks" / "token.txt", INSIDE / "lock.txt"),
            *("--workdir", str(INSIDE), PYTHON_IMAGE, "sh", "-c"),
            f"{install} && exec python -m rehearsal.token_server {INSIDE}/state/tokens.json",
        )

    def _mirror(self) -> Sequence[str]:
        # Docker Hub itself, as an anonymous registry on this machine: read only.
        return ("--env", "REGISTRY_PROXY_REMOTEURL=https://registry-1.docker.io", REGISTRY_IMAGE)

    def _target(self, ports: Ports) -> Sequence[str]:
        auth = token_auth(self._layout, ports, INSIDE / "signing.crt")
        storage = Path("/var/lib/registry")
        settings = write_registry(
            self._layout, "target", listen=":5000", storage=storage, further=auth
        )
        return (
            *self._mount(settings, Path("/etc/docker/registry/config.yml")),
            *self._mount(certificate_file(self._layout), INSIDE / "signing.crt"),
            REGISTRY_IMAGE,
        )

    def _ensure(self, service: str, port: int, expected: int, options: Sequence[str]) -> None:
        if self.is_running(service) and status_of(port, _path(service)) == expected:
            return
        name = self._name(service)
        self._run("rm", "--force", "--volumes", name)
        publish = ("--publish", f"127.0.0.1:{port}:5000")
        self._run("run", "--detach", "--name", name, *publish, *options)
        deadline = time.monotonic() + TIMEOUT_S
        while status_of(port, _path(service)) != expected:
            if time.monotonic() > deadline or not self.is_running(service):
                raise ServiceNotStarted(
                    f"the container {name} does not answer on port {port}",
                    state="it is kept as it is",
                    remedy=f"read `docker logs {name}`, then `make setup` again",
                )
            time.sleep(0.2)

    def _name(self, service: str) -> str:
        return f"ci-rehearsal-{self._layout.identity}-{service}"

    def _mount(self, source: Path, target: Path) -> tuple[str, str]:
        return ("--mount", f"type=bind,source={source},target={target},readonly")

    def _run(self, *arguments: str) -> str:
        command = ["docker", "--host", self._address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 and "No such container" not in done.stderr:
            raise CommandFailed(
                f"docker {arguments[0]}: {done.stderr.strip()}",
                state="what was started before it runs on",
                remedy="make that command work (is Docker Hub reachable?), then `make setup` again",
            )
        return done.stdout


def _path(service: str) -> str:
    return "/token" if service == "tokens" else "/v2/"
