"""The locks: complete, hashed, and without a word about where packages come from."""

import json
import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = CHECKOUT / "locks"
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PINNED.findall((LOCKS / name).read_text()))


def project() -> dict:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def bare_name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()


def test_the_locks_hold_what_the_project_asks_for():
    run = {bare_name(text) for text in project()["project"]["dependencies"]}
    dev = {bare_name(text) for text in project()["dependency-groups"]["dev"]}
    assert run <= pins("run.txt").keys()
    assert run | dev <= pins("dev.txt").keys()


def test_exact_requirements_are_the_locked_versions():
    for requirement in project()["project"]["dependencies"]:
        name, _, version = requirement.partition("==")
        if version:
            assert pins("run.txt")[name] == version


@pytest.mark.parametrize("name", ["token.txt", "run.txt"])
def test_the_larger_lock_has_the_smaller_s_versions(name):
    assert pins(name).items() <= pins("dev.txt").items()


def test_the_client_is_the_engine_s_version():
    engine = json.loads((CHECKOUT / "dagger.json").read_text())["engineVersion"]
    assert f"v{pins('run.txt')['dagger-io']}" == engine


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.name)
def test_every_package_is_hashed_and_no_host_is_named(path):
    text = path.read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if PINNED.match(entry)]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|--trusted", text)


def test_the_pinned_cli_has_a_checksum_for_every_platform():
    engine = json.loads((CHECKOUT / "dagger.json").read_text())["engineVersion"]
    lines = (LOCKS / "dagger.sha256").read_text().splitlines()
    seen = {line.split("  ")[1] for line in lines if re.fullmatch(r"[0-9a-f]{64}  \S+", line)}
    assert seen == {
        f"dagger_{engine}_{system}_{machine}.tar.gz"
        for system in ("linux", "darwin")
        for machine in ("amd64", "arm64")
    }
