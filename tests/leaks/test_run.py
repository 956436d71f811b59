"""One run of all that is handed a secret, as loud as it gets; then every place is searched."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clients import Credentials
from tests.end_to_end.site import Site, fresh_site
from tests.leaks.forms import forms_of
from tests.leaks.places import Processes, Search
from tests.server.driver import COMPOSE
from tests.server.machine import MACHINE

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
CHECKOUT = Path(__file__).resolve().parents[2]
GOOD, NEXT, BAD = "20260123-170510", "20260123-170511", "20260123-170512"
DOCKERFILE = """\
FROM python:3.11-slim
COPY answer /srv/health
WORKDIR /srv
USER 10001
ENTRYPOINT ["python", "-m", "http.server", "8000"]
"""
LOUD = ("--debug", "-vvv")
# The compose file hands the word to the container, whose command prints it and its own environment.
TALKATIVE = COMPOSE.replace(
    "environment: {GREETING",
    'environment: {WORD: "${WORD:?}", GREETING',
)


@dataclass
class Told:
    """What a run printed, and what it was told in confidence."""

    site: Site
    began: float
    word: str
    outputs: dict[str, bytes] = field(default_factory=dict)

    def call(self, *words: str) -> int:
        """Make a call on the server; its exit code."""
        command = self.site.command(*words)
        return self.keep(" ".join(words), [command[0], command[1], *LOUD, *command[2:]], CHECKOUT)

    def keep(self, name: str, command: list[str], folder: Path) -> int:
        """Run a command and keep what it says."""
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.site.environment,
            capture_output=True,
            check=False,
            timeout=600,
        )
        self.outputs[name] = done.stdout + done.stderr
        return done.returncode


@pytest.fixture(scope="module")
def told(
    tmp_path_factory, server, credentials, maker, session_skopeo, docker_host
) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("site")
    sites = fresh_site(folder, server, credentials, maker, session_skopeo, docker_host)
    site = next(sites)
    yield Told(site, time.time(), f"canary-{secrets.token_hex(12)}")
    next(sites, None)


@pytest.fixture(scope="module")
def read_only(read_only_credentials) -> Credentials:
    return read_only_credentials


@pytest.fixture(scope="module")
def search(told: Told, read_only: Credentials, tmp_path_factory) -> Search:
    """Everything, done under the eyes of the sampler."""
    site = told.site
    key = Path(site.stack.remote.server["SERVER_KEY_FILE"]).read_text()
    looking = Search(
        {
            "the registry's token": forms_of(site.credentials.token, site.credentials.user),
            "the reader's token": forms_of(read_only.token, read_only.user),
            "the SSH key": forms_of(key, "deploy"),
            "a word of .env": forms_of(told.word, "deploy"),
        }
    )
    sampling = Processes(looking)
    sampling.start()
    try:
        publish_source(told, read_only, tmp_path_factory.mktemp("source"))
        deploy_releases(told)
    finally:
        sampling.stop()
    looking.looked_at["looks at all processes"] = sampling.looks
    return looking


def publish_source(told: Told, read_only: Credentials, folder: Path) -> None:
    """Build and publish a source; then try it with a token that may not push."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "answer").write_text(f"42 {told.word[::-1]}\n")
    image = f"{told.site.maker.repository}/source"
    (folder / "ci.toml").write_text(f'image = "{image}"\n[build]\nplatforms = ["linux/amd64"]\n')
    who = ("-c", "user.name=t", "-c", "user.email=t@example.test")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "x")):
        subprocess.run(["git", "-C", folder, *words], check=True)
    registry = image.partition("/")[0]
    start = [str(CHECKOUT / "daggerw"), "-m", str(CHECKOUT), "call", *LOUD, "--source=."]
    for who_pushes, expected in ((told.site.credentials, 0), (read_only, 1)):
        token = f"file:{who_pushes.token_file}"
        access = ["--via", f"tcp://{registry}", "--user", who_pushes.user, "--token", token]
        name = f"publish as {who_pushes.user}"
        ended = told.keep(name, [*start, *access, "publish", "--tag", GOOD], folder)
        assert ended == expected, told.outputs[name].decode()


def deploy_releases(told: Told) -> None:
    """Deploy, deploy better, deploy what fails and talks, roll back, look, audit."""
    site = told.site
    site.configure(compose=TALKATIVE)
    site.stack.remote.allowed(f"echo 'WORD={told.word}' >>{site.stack.directory}/.env")
    for tag, mode, expected in ((GOOD, "good", 0), (NEXT, "good", 0), (BAD, "crash", 1)):
        site.publish(tag, mode)
        ended = told.call("deploy", "--tag", tag)
        assert ended == expected, told.outputs[f"deploy --tag {tag}"].decode()
    for words in (("rollback",), ("status",)):
        assert told.call(*words) == 0, told.outputs[words[0]].decode()


def test_w2_no_process_held_a_secret_in_its_arguments_or_environment(search, record_property):
    looked_at = search.looked_at
    assert looked_at["looks at all processes"] > 100
    assert looked_at["processes' environ"] > 100_000
    looks = f"{looked_at['looks at all processes']:,} looks at all processes"
    record_property("measured", looks)
    record_property("measured", searched(search, "processes' cmdline", "processes' environ"))
    ours = [line for line in search.found if line.startswith("processes'")]
    # The container itself is handed the word of .env: that is what .env is for.
    assert [line for line in ours if "a word of .env" not in line] == []


def searched(search: Search, *places: str) -> str:
    """How much was looked through there."""
    return ", ".join(f"{search.looked_at[place] / 1e6:.2f} MB of {place}" for place in places)


def test_w1_w13_nothing_that_was_printed_holds_a_secret(told, search, record_property):
    for name, output in told.outputs.items():
        assert output, name
        search.look("calls", name, output)
    assert search.looked_at["calls"] > 2_000
    record_property("measured", searched(search, "calls"))
    assert [line for line in search.found if line.startswith("calls")] == []


def test_w1_w2_nothing_that_the_laptop_keeps_holds_a_secret(told, search, record_property):
    rehearsal = CHECKOUT / ".local" / "rehearsal"
    state = Path(os.environ["CI_EMBEDDED_STATE"])
    search.look_through("laptop", state, since=told.began)
    search.look_through("laptop", rehearsal / "log", since=told.began)
    search.look_through("laptop", rehearsal / "docker" / "data" / "containers", since=told.began)
    search.look_through("laptop", rehearsal / "docker" / "data" / "image", since=told.began)
    record_property("measured", searched(search, "laptop"))
    assert [line for line in search.found if line.startswith("laptop")] == []


def test_w3_no_layer_manifest_or_config_in_the_registry_holds_a_secret(
    told, search, record_property
):
    registry = CHECKOUT / ".local" / "rehearsal" / "registry"
    search.look_through("registry", registry, since=told.began)
    assert search.looked_at["registry"] > 2_000
    record_property("measured", searched(search, "registry"))
    assert [line for line in search.found if line.startswith("registry")] == []


def test_w4_nothing_that_the_server_keeps_holds_a_secret(told, search, record_property):
    stack = told.site.stack.directory.strip("/")

    def declared(path: Path) -> bool:
        return path == MACHINE.folder / "upper" / stack / ".env"

    search.look_through("server", MACHINE.folder / "upper", since=told.began, but=declared)
    for name in ("containers", "image"):
        search.look_through("server's Docker", MACHINE.folder / "docker" / name, since=told.began)
    assert search.looked_at["server"] > 1_000
    record_property("measured", searched(search, "server", "server's Docker"))
    assert [line for line in search.found if line.startswith("server,")] == []
    # Docker's record of a container says what compose handed to it, and nothing else of ours.
    kept = [line for line in search.found if line.startswith("server's Docker")]
    assert [line for line in kept if "a word of .env" not in line] == []
