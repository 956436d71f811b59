"""Runs command lines on the embedded engine or on a real Dagger."""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent / "module"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
LIMIT_S = 300
PRELOADED = ["dagger", "ci.embedded.server", "ci.embedded.cli.app", "ci.embedded.cli.call"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command line left behind."""

    exit_code: int
    stdout: str
    stderr: str


def make_workspace(folder: Path, dotenv: str = "") -> Path:
    """A git repository with a tag, and the module in a directory of it; returns the module's."""
    module = folder / "module"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(MODULE, module, ignore=ignored)
    (folder / "top.txt").write_text("at the top\n")
    if dotenv:
        (module / ".env").write_text(dotenv)
    commands = "init -q -b main", "add .", "commit -q -m one", "tag v1"
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    for command in commands:
        subprocess.run(["git", *who, *command.split()], cwd=folder, check=True)
    return module


def run_embedded(line: str, module: Path, environ: Mapping[str, str]) -> Outcome:
    """Run in a fork of a process that has already imported the client, which takes a second."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    captured = module.parent.with_name(f"{module.parent.name}-output")
    captured.mkdir(exist_ok=True)
    out, err = captured / "stdout", captured / "stderr"
    process = context.Process(
        target=_child, args=(shlex.split(line), str(module), dict(environ), str(out), str(err))
    )
    process.start()
    process.join(LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode is not None
    return Outcome(process.exitcode, out.read_text(), err.read_text())


def _child(argv: list[str], cwd: str, environ: dict[str, str], stdout: str, stderr: str) -> None:
    for path, descriptor in ((stdout, 1), (stderr, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    from ci.embedded.cli import main

    sys.exit(main(argv))


def run_dagger(line: str, module: Path, environ: Mapping[str, str]) -> Outcome:
    """Run the `dagger` on PATH."""
    done = subprocess.run(
        ["dagger", "--progress=plain", *shlex.split(line)],
        cwd=module,
        env={**environ, "DO_NOT_TRACK": "1", "DAGGER_NO_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Outcome(done.returncode, ESCAPES.sub("", done.stdout), ESCAPES.sub("", done.stderr))


ENGINES = {"embedded": run_embedded, "dagger": run_dagger}
