"""The target registry and its token server, judged by docker and skopeo before they judge us."""

import json
import secrets

import pytest

from tests.clients import Client, Credentials

pytestmark = pytest.mark.registry


@pytest.fixture
def repository(target: str) -> str:
    """A repository that nobody used before."""
    return f"{target}/acme/{secrets.token_hex(4)}"


def test_docker_logs_in_with_the_token_on_stdin(docker, target, credentials):
    login = ("login", "--username", credentials.user, "--password-stdin", target)
    assert "Login Succeeded" in docker.allowed(*login, stdin=credentials.token)


def test_docker_is_told_that_a_password_is_wrong(docker, target, credentials):
    login = ("login", "--username", credentials.user, "--password-stdin", target)
    assert "unauthorized" in docker.refused(*login, stdin="not the password").lower()


def test_docker_pushes_and_pulls_the_same_image(docker, repository, target, credentials, small_tar):
    docker.log_in(target, credentials)
    built = docker.allowed("import", "-", f"{repository}:1", stdin=small_tar).strip()
    try:
        docker.allowed("push", f"{repository}:1")
        docker.allowed("rmi", f"{repository}:1")
        docker.allowed("pull", f"{repository}:1")
        found = docker.allowed("image", "inspect", "--format", "{{.Id}}", f"{repository}:1")
    finally:
        docker.run("rmi", f"{repository}:1")
    assert found.strip() == built


def test_docker_may_not_push_as_the_reader(
    docker, repository, target, read_only_credentials, small_tar
):
    docker.log_in(target, read_only_credentials)
    docker.allowed("import", "-", f"{repository}:1", stdin=small_tar)
    try:
        refusal = docker.refused("push", f"{repository}:1")
    finally:
        docker.run("rmi", f"{repository}:1")
    assert "denied" in refusal or "authentication required" in refusal


def test_the_reader_reads_what_the_writer_pushed(
    skopeo: Client, repository, target, credentials, read_only_credentials, small_image
):
    push(skopeo, target, credentials, small_image, f"{repository}:1")
    skopeo.log_in(target, read_only_credentials)
    seen = json.loads(inspect(skopeo, f"{repository}:1"))
    assert len(seen["Layers"]) == 1


def test_the_reader_may_not_push(
    skopeo: Client, repository, target, read_only_credentials, small_image
):
    skopeo.log_in(target, read_only_credentials)
    assert_refused(copy_to(skopeo, small_image, f"{repository}:1"))


def test_nobody_reads_a_private_repository_without_credentials(
    skopeo: Client, repository, target, credentials, small_image
):
    push(skopeo, target, credentials, small_image, f"{repository}:1")
    (skopeo.folder / "config.json").unlink()
    assert_refused(skopeo.refused("inspect", "--tls-verify=false", f"docker://{repository}:1"))


def test_everybody_reads_a_public_repository_and_nobody_writes_it(
    skopeo: Client, target, credentials, small_image
):
    repository = f"{target}/public/{secrets.token_hex(4)}"
    push(skopeo, target, credentials, small_image, f"{repository}:1")
    (skopeo.folder / "config.json").unlink()
    assert json.loads(inspect(skopeo, f"{repository}:1"))["Digest"]
    assert_refused(copy_to(skopeo, small_image, f"{repository}:2"))


def test_the_mirror_has_the_base_image_for_both_platforms(skopeo: Client, mirror):
    raw = skopeo.allowed(
        *("inspect", "--raw", "--tls-verify=false", f"docker://{mirror}/library/python:3.11-slim")
    )
    platforms = {
        f"{entry['platform']['os']}/{entry['platform']['architecture']}"
        for entry in json.loads(raw)["manifests"]
    }
    assert {"linux/amd64", "linux/arm64"} <= platforms


def test_the_base_image_runs_python_and_pip_as_the_real_one_does(docker: Client):
    script = "python --version && pip --version && python -c 'import ssl, sys; print(sys.prefix)'"
    said = docker.allowed("run", "--rm", "python:3.11-slim", "sh", "-c", script).splitlines()
    assert said[0].startswith("Python 3.11.")
    assert "/usr/local/lib/python3.11/site-packages" in said[1]
    assert said[2] == "/usr/local"


def push(skopeo: Client, target: str, account: Credentials, image: str, reference: str) -> None:
    skopeo.log_in(target, account)
    done = skopeo.run("copy", "--dest-tls-verify=false", image, f"docker://{reference}")
    assert done.returncode == 0, done.stderr


def copy_to(skopeo: Client, image: str, reference: str) -> str:
    return skopeo.refused("copy", "--dest-tls-verify=false", image, f"docker://{reference}")


def inspect(skopeo: Client, reference: str) -> str:
    return skopeo.allowed("inspect", "--tls-verify=false", f"docker://{reference}")


def assert_refused(text: str) -> None:
    # skopeo's words for a 401 and for a 403.
    assert "unauthorized" in text or "denied" in text or "authentication required" in text
