"""Calls as a person types them, on the engine that CI_ENGINE names, with every visit counted."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.calls.way import known_to_server, way_to_registry, way_to_server
from tests.end_to_end.site import CHECKOUT, Site, fresh_site
from tests.engine.engines import CHOICE
from tests.faults.proxy import FaultProxy
from tests.faults.relay import Relay
from tests.server.conftest import maker, server, session_skopeo

__all__ = ["maker", "server", "session_skopeo"]
SERVED = ("deploy", "rollback", "recover", "status", "release")


@dataclass(frozen=True, slots=True)
class Caller:
    """One source and one stack; its registry and its server are only reached along these ways."""

    site: Site
    registry: FaultProxy
    server: Relay

    @property
    def image(self) -> str:
        """The site's repository, by the way to it."""
        return f"{self.registry.address}/{self.site.maker.repository.partition('/')[2]}"

    def run(
        self, function: str, *words: str, token: str = "", key: str = "", output: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Call a function; the outcome, whatever it is.

        Args:
            token, key: how the secrets are named; by their files when empty.
            output: where the result is exported to.
        """
        server = self.site.stack.remote.server
        command = [
            *("./daggerw", "call", *(("-o", output) if output else ())),
            *("--source", str(self.site.source), "--image", self.image),
            *("--via", f"tcp://{self.registry.address}"),
            *("--link", f"tcp://localhost:{self.server.port}"),
            *("--user", self.site.credentials.user),
            *("--token", token or f"file:{self.site.credentials.token_file}"),
            *(function, *words),
        ]
        if function in SERVED:
            command += ["--key", key or f"file:{server['SERVER_KEY_FILE']}"]
            command += ["--known", server["SERVER_KNOWN_HOSTS"]]
        return subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def allowed(self, function: str, *words: str, **further: str) -> str:
        """Call a function and expect success; its result."""
        done = self.run(function, *words, **further)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def environment(self) -> dict[str, str]:
        """The engine's, and the secrets that `env:` names."""
        key = Path(self.site.stack.remote.server["SERVER_KEY_FILE"]).read_text()
        return os.environ | {
            "DOCKER_HOST": self.site.docker_host,
            CHOICE: os.environ.get(CHOICE) or "embedded",
            "TOKEN_OF_TEST": self.site.credentials.token,
            "KEY_OF_TEST": key,
        }


@pytest.fixture(scope="module")
def caller(
    tmp_path_factory, server, target, credentials, maker, session_skopeo, docker_host
) -> Iterator[Caller]:
    """Nothing was released yet, and the server has nothing but the stack's `.env`."""
    folder = tmp_path_factory.mktemp("caller")
    source = folder / "source"
    source.mkdir()
    host, port = server["SERVER_HOST"], int(server["SERVER_PORT"])
    with (
        way_to_registry(target) as registry,
        known_to_server(registry.port, folder),
        way_to_server(host, port) as relay,
    ):
        for site in fresh_site(source, server, credentials, maker, session_skopeo, docker_host):
            yield Caller(site, registry, relay)
