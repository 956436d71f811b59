"""The main job as a person runs it: ./daggerw against the rehearsal, then plain clients judge."""

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.clients import Client, Credentials

CHECKOUT = Path(__file__).resolve().parents[2]
LABEL = "org.opencontainers.image"
PLATFORMS = {"linux/amd64", "linux/arm64"}
HEALTHY_WITHIN_S = 30
Call = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Release:
    """A published release: what was asked for and what was answered."""

    image: str
    tag: str
    revision: str
    published: subprocess.CompletedProcess[str]

    @property
    def digest(self) -> str:
        """The digest that publish printed."""
        return self.published.stdout.strip().rpartition("@")[2]


@pytest.fixture(scope="module")
def call(docker_host: str, target: str, credentials: Credentials) -> Call:
    def run(image: str, *words: str) -> subprocess.CompletedProcess[str]:
        access = ["--user", credentials.user, "--token", f"file:{credentials.token_file}"]
        command = ["./daggerw", "call", "--image", image, "--via", f"tcp://{target}", *access]
        return subprocess.run(
            [*command, *words],
            cwd=CHECKOUT,
            env=os.environ | {"DOCKER_HOST": docker_host, "CI_ENGINE": "embedded"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run


@pytest.fixture(scope="module")
def release(call: Call, target: str) -> Release:
    image = f"{target}/acme/{secrets.token_hex(4)}"
    tag = call(image, "tag").stdout.strip()
    revision = head()
    # --dirty: the tests also run while somebody edits the app.
    published = call(image, "publish", "--tag", tag, "--dirty")
    assert published.returncode == 0, published.stderr
    return Release(image, tag, revision, published)


def test_publish_prints_the_reference_and_nothing_else(release):
    reference = re.escape(f"{release.image}:{release.tag}@sha256:") + "[0-9a-f]{64}"
    assert re.fullmatch(reference, release.published.stdout.strip())


def test_verify_agrees_with_publish(release, call):
    done = call(release.image, "verify", "--tag", release.tag, "--digest", release.digest)
    assert done.returncode == 0, done.stderr
    assert release.digest in done.stdout
    for platform in PLATFORMS:
        assert platform in done.stdout


def test_verify_refuses_another_digest(release, call):
    other = "sha256:" + "0" * 64
    done = call(release.image, "verify", "--tag", release.tag, "--digest", other)
    assert done.returncode != 0
    assert "do:" in done.stderr


def test_the_same_release_again_builds_nothing_and_ends_the_same(release, call):
    again = call(release.image, "publish", "--tag", release.tag, "--dirty")
    assert again.stdout == release.published.stdout
    assert "build linux/" not in again.stderr


def test_the_command_that_the_audit_prints_repeats_the_stage(release, call, docker_host, tmp_path):
    place = ["-o", str(tmp_path / "audit")]
    done = call(release.image, *place, "audit", "--stage", "verify", "--tag", release.tag)
    assert done.returncode == 0, done.stderr
    command = json.loads((tmp_path / "audit" / "report.json").read_text())["repeat"]
    again = subprocess.run(
        ["sh", "-c", command],
        cwd=CHECKOUT,
        env=os.environ | {"DOCKER_HOST": docker_host, "CI_ENGINE": "embedded"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert again.returncode == 0, again.stderr
    assert release.digest in again.stdout


def test_nobody_without_the_token_publishes(release, target):
    words = ["--image", release.image, "--via", f"tcp://{target}", "publish", "--tag", release.tag]
    done = subprocess.run(
        ["./daggerw", "call", *words],
        cwd=CHECKOUT,
        env=os.environ | {"CI_ENGINE": "embedded"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert "do:" in done.stderr


def test_the_token_is_nowhere_in_what_was_printed(release, credentials):
    printed = release.published.stdout + release.published.stderr
    assert credentials.token not in printed


@pytest.mark.parametrize("name", ["tag", "latest"])
def test_skopeo_finds_an_index_of_both_platforms(release, name, skopeo, target, credentials):
    skopeo.log_in(target, credentials)
    tag = release.tag if name == "tag" else "latest"
    seen = json.loads(raw(skopeo, f"{release.image}:{tag}"))
    assert seen["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert {platform_of(entry) for entry in seen["manifests"]} == PLATFORMS


def test_both_names_are_the_digest_that_was_printed(release, skopeo, target, credentials):
    skopeo.log_in(target, credentials)
    for tag in (release.tag, "latest"):
        words = ("inspect", "--tls-verify=false", "--format", "{{.Digest}}")
        assert skopeo.allowed(*words, f"docker://{release.image}:{tag}").strip() == release.digest


def test_every_platform_says_which_release_it_is(release, skopeo, target, credentials):
    skopeo.log_in(target, credentials)
    index = json.loads(raw(skopeo, f"{release.image}@{release.digest}"))
    for entry in index["manifests"]:
        reference = f"docker://{release.image}@{entry['digest']}"
        words = ("inspect", "--config", "--tls-verify=false", reference)
        config = json.loads(skopeo.allowed(*words))
        labels = config["config"]["Labels"]
        assert f"{config['os']}/{config['architecture']}" == platform_of(entry)
        assert labels[f"{LABEL}.version"] == release.tag
        assert labels[f"{LABEL}.revision"].startswith(release.revision)
        assert labels[f"{LABEL}.created"]


def test_docker_pulls_the_digest_and_the_service_answers(release, running_release):
    version = answer(running_release, "/version")
    assert version["tag"] == release.tag
    assert version["revision"].startswith(release.revision)
    assert answer(running_release, "/health")["status"] == "ok"


@pytest.fixture
def running_release(
    docker: Client, release: Release, target: str, credentials: Credentials
) -> Iterator[str]:
    """The address of the service, started by docker from the digest."""
    docker.log_in(target, credentials)
    reference = f"{release.image}@{release.digest}"
    docker.allowed("pull", "--quiet", reference)
    started = docker.allowed("run", "--detach", "--publish", "127.0.0.1::8000", reference).strip()
    try:
        yield "http://" + docker.allowed("port", started, "8000").splitlines()[0]
    finally:
        docker.run("rm", "--force", started)
        docker.run("rmi", reference)


def answer(base: str, path: str) -> dict[str, str]:
    """What the service says, once it listens."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while True:
        try:
            return httpx.get(base + path, trust_env=False).json()
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{base}{path} does not answer"
            time.sleep(0.2)


def raw(skopeo: Client, reference: str) -> str:
    return skopeo.allowed("inspect", "--raw", "--tls-verify=false", f"docker://{reference}")


def platform_of(entry: dict) -> str:
    return f"{entry['platform']['os']}/{entry['platform']['architecture']}"


def head() -> str:
    words = ["git", "rev-parse", "HEAD"]
    return subprocess.run(
        words, cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.strip()
