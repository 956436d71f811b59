"""What is said to do where nothing was published: done as it is printed, then what failed works."""

import secrets
import subprocess
from pathlib import Path

import pytest

from tests.clients import Client, Credentials
from tests.end_to_end.desk import Desk, set_up
from tests.faults.remedies import attempt, command_of, commands_of, remedy_of

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
DOCKERFILE = """\
FROM python:3.11-slim
COPY answer /srv/health
WORKDIR /srv
{further}
HEALTHCHECK CMD ["true"]
ENTRYPOINT ["python", "-m", "http.server", "8000"]
"""
CRASH = 'CMD ["--no-such-option"]'
SETTINGS = """\
image = "{image}"
source = "https://github.com/acme/small"
[build]
context = "app"
platforms = ["linux/amd64"]
"""


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory,
    docker_host: str,
    mirror: str,
    target: str,
    credentials: Credentials,
) -> Desk:
    folder = tmp_path_factory.mktemp("source")
    (folder / "app").mkdir()
    image = f"{target}/remedies/{secrets.token_hex(4)}"
    (folder / "ci.toml").write_text(SETTINGS.format(image=image))
    (folder / ".gitignore").write_text(".env\ndaggerw\n")
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    defaults = {
        "source": str(folder),
        "via": f"tcp://{target}",
        "user": credentials.user,
        "token": f"file:{credentials.token_file}",
    }
    return set_up(folder, docker_host, defaults)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, *, answer: str = "42", further: str = "") -> None:
    """Commit the source, changed by what is given."""
    (folder / "app" / "answer").write_text(answer)
    (folder / "app" / "Dockerfile").write_text(DOCKERFILE.format(further=further))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "change")


def minted(desk: Desk) -> str:
    """A tag of now."""
    return desk.does("./daggerw call tag").strip()


@pytest.fixture(scope="module")
def first(desk: Desk) -> str:
    """A release, published by what is said where its tag is missing."""
    tag = minted(desk)
    desk.does(command_of(desk.refused("TagMissing", f"verify --tag {tag}")))
    return tag


@pytest.fixture(scope="module")
def second(desk: Desk, first: str) -> str:
    """A newer one, under the tag that is minted by what is said of one that is none."""
    tag = desk.does(command_of(desk.refused("TagReserved", "publish --tag latest"))).strip()
    desk.does(f"./daggerw call publish --tag {tag}")
    return tag


def test_a_missing_tag_is_published_by_the_command(desk: Desk, first: str):
    assert first in desk.does(f"./daggerw call verify --tag {first}")


def test_latest_is_published_under_a_tag_that_the_command_mints(desk: Desk, second: str):
    assert second in desk.does(f"./daggerw call verify --tag {second}")


def test_latest_is_moved_to_the_newest_by_the_command(
    desk: Desk, first: str, second: str, session_skopeo: Client
):
    repository = (desk.folder / "ci.toml").read_text().split('"')[1]
    session_skopeo.allowed(
        *("copy", "--all", "--preserve-digests", "--src-tls-verify=false"),
        *("--dest-tls-verify=false", f"docker://{repository}:{first}"),
        f"docker://{repository}:latest",
    )
    desk.does(command_of(desk.refused("TagsDisagree", f"verify --tag {second}")))
    assert "is the newest release" in desk.does(f"./daggerw call verify --tag {second}")


def test_other_sources_are_published_under_a_new_tag_by_the_command(desk: Desk, second: str):
    commit(desk.folder, answer="other")
    printed = desk.does(command_of(desk.refused("TagConflict", f"publish --tag {second}")))
    assert f":{second}@" not in printed
    assert "@sha256:" in printed


def test_the_commit_of_a_tag_is_checked_out_by_the_command(desk: Desk):
    tag = minted(desk)
    git(desk.folder, "tag", tag)
    commit(desk.folder, answer="later")
    checkout, mint = commands_of(desk.refused("TagElsewhere", f"publish --tag {tag}"))
    assert mint == "./daggerw call tag"
    desk.does(checkout)
    assert f":{tag}@" in desk.does(f"./daggerw call publish --tag {tag}")
    git(desk.folder, "checkout", "-q", "main")


def test_b8_a_build_that_failed_is_seen_alone_by_the_command(desk: Desk):
    commit(desk.folder, further="RUN echo broken words; exit 7")
    command = command_of(desk.refused("BuildFailed", "check"))
    assert "broken words" in desk.tries(command).stderr
    commit(desk.folder)
    desk.does(command)


def test_an_image_that_crashes_is_checked_again_alone_by_the_command(desk: Desk):
    commit(desk.folder, further=CRASH)
    command = command_of(desk.refused("CheckFailed", f"publish --tag {minted(desk)}"))
    commit(desk.folder)
    desk.does(command)


def test_p15_the_sizes_of_a_layer_that_is_too_large_are_shown_by_the_command(
    desk: Desk, target: str
):
    small = desk.environment | {"CI_EMBEDDED_LAYER_LIMITS": f"{target}=10"}
    commit(desk.folder, answer="x" * 1000)
    tag = minted(desk)
    done = attempt(f"./daggerw call publish --tag {tag}", desk.folder, small)
    assert "Error: LayerTooLarge: " in done.stderr, done.stderr
    assert "\t/srv\n" in desk.does(command_of(remedy_of(done.stderr)))
