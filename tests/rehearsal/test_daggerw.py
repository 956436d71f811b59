"""daggerw: which engine it takes, what it says of it, and that it never falls back from a demand.

The dagger on PATH is a script of ours: it is the outside, and tells what it was called with.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = (
    "sh",
    "sed",
    "dirname",
    "uname",
    "tr",
    "cut",
    "mkdir",
    "rm",
    "cat",
    "cmp",
    "tar",
    "sha256sum",
)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH of just what a small system has; no dagger, and no way to download one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return folder


@pytest.fixture
def run(tools: Path, tmp_path: Path) -> Run:
    def call(*arguments: str, engine: str | None = None, checkout: Path = CHECKOUT):
        environment = {"PATH": str(tools), "HOME": str(tmp_path), "DOCKER_HOST": "unix:///none"}
        if engine is not None:
            environment["CI_ENGINE"] = engine
        return subprocess.run(
            [str(checkout / "daggerw"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.fixture
def small_checkout(tmp_path: Path) -> Path:
    """What daggerw itself reads of a checkout, where an installed CLI may be put."""
    folder = tmp_path / "a checkout"
    (folder / "locks").mkdir(parents=True)
    for name in ("daggerw", "dagger.json", "locks/dagger.sha256"):
        shutil.copy2(CHECKOUT / name, folder / name)
    return folder


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def dagger_of(version: str, path: Path) -> None:
    """A dagger that says its version, and else what it was called with; exits 7 then."""
    says = f"dagger {version} (registry.dagger.io/engine:{version}) linux/amd64"
    script(path, f'[ "$1" = version ] && {{ echo "{says}"; exit; }}\necho "dagger ran: $*"; exit 7')


FITTING = {"the very version": "v0.21.8", "a later patch": "v0.21.10"}
UNFIT = {
    "an earlier patch": "v0.21.7",
    "an earlier minor": "v0.20.9",
    "a later minor": "v0.22.0",
    "a development build": "v0.21.9-260101-dev-abc",
    "another program": "",
}


@pytest.mark.parametrize("version", FITTING.values(), ids=FITTING.keys())
@pytest.mark.parametrize("engine", [None, "dagger"])
def test_a_dagger_that_fits_is_taken(run, tools, version, engine):
    dagger_of(version, tools / "dagger")
    done = run("call", "publish", "--tag", "a b", engine=engine)
    assert done.stdout == "dagger ran: call publish --tag a b\n"
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1
    assert "daggerw: Dagger:" in done.stderr


@pytest.mark.parametrize("version", UNFIT.values(), ids=UNFIT.keys())
def test_a_dagger_that_does_not_fit_is_left_and_the_line_says_why(run, tools, version):
    dagger_of(version, tools / "dagger")
    done = run("functions")
    assert "publish" in done.stdout
    assert "dagger ran" not in done.stdout
    assert "does not fit dagger.json (v0.21.8)" in done.stderr
    assert done.returncode == 0


def test_without_dagger_it_is_the_embedded_engine(run):
    done = run("functions")
    assert done.returncode == 0
    assert "publish" in done.stdout
    assert done.stderr == "daggerw: embedded engine: no dagger on PATH\n"


def test_the_embedded_engine_can_be_insisted_on(run, tools):
    dagger_of("v0.21.8", tools / "dagger")
    done = run("functions", engine="embedded")
    assert "publish" in done.stdout
    assert "CI_ENGINE=embedded" in done.stderr


def test_a_fitting_dagger_serves_every_verb(run, tools):
    dagger_of("v0.21.8", tools / "dagger")
    assert run("shell", "-c", "x").stdout == "dagger ran: shell -c x\n"


def test_a_verb_that_only_dagger_has_is_refused_by_name(run):
    done = run("shell")
    assert done.returncode == 1
    assert_three_lines(done.stderr, "VerbNotServed")
    assert "'shell'" in done.stderr


def test_an_unknown_engine_is_refused(run):
    done = run("functions", engine="podman")
    assert done.returncode == 1
    assert_three_lines(done.stderr, "EngineUnknown")


def test_an_insisted_on_dagger_that_cannot_be_downloaded_is_no_embedded_engine(
    run, tools, small_checkout
):
    script(tools / "curl", 'echo "no route" >&2; exit 6')
    done = run("functions", engine="dagger", checkout=small_checkout)
    assert done.returncode == 1
    assert done.stdout == ""
    assert_three_lines(done.stderr, "EngineUnavailable")
    assert "wanted Dagger v0.21.8; no dagger on PATH" in done.stderr
    assert not any((small_checkout / ".local" / "bin").iterdir())


def test_a_download_with_another_checksum_is_not_installed(run, tools, small_checkout):
    # curl … --output FILE URL
    script(tools / "curl", 'while [ "$1" != --output ]; do shift; done; echo forged >"$2"')
    done = run("functions", engine="dagger", checkout=small_checkout)
    assert done.returncode == 1
    assert_three_lines(done.stderr, "DaggerForged")
    assert not any((small_checkout / ".local" / "bin").iterdir())


def test_a_download_with_the_right_checksum_is_installed_and_used_again(
    run, tools, small_checkout, tmp_path
):
    dagger_of("v0.21.8", tmp_path / "packed" / "dagger")
    archive = tmp_path / "dagger.tar"
    pack = ["tar", "-czf", str(archive), "-C", str(tmp_path / "packed"), "dagger"]
    subprocess.run(pack, check=True)
    seal(small_checkout, archive)
    script(tools / "gzip", f'exec {shutil.which("gzip")} "$@"')
    script(tools / "cp", f'exec {shutil.which("cp")} "$@"')
    fetch = 'while [ "$1" != --output ]; do shift; done'
    script(tools / "curl", f'{fetch}; cp {archive} "$2"')
    assert run("query", engine="dagger", checkout=small_checkout).stdout == "dagger ran: query\n"
    script(tools / "curl", "exit 6")
    again = run("query", engine="dagger", checkout=small_checkout)
    assert again.stdout == "dagger ran: query\n"
    assert "checksum checked" in again.stderr


def seal(checkout: Path, archive: Path) -> None:
    """Write the archive's checksum where daggerw looks for that of this machine's CLI."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    name = f"dagger_v0.21.8_{os.uname().sysname.lower()}_{machine}.tar.gz"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (checkout / "locks" / "dagger.sha256").write_text(f"{digest}  {name}\n")


def assert_three_lines(text: str, code: str) -> None:
    """The house's form of an error, as the last three lines."""
    what, now, remedy = text.splitlines()[-3:]
    assert what.startswith(f"{code}: ")
    assert now.startswith("  now: ")
    assert remedy.startswith("  do: ")
