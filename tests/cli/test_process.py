"""A call as a process: what it writes where, and how it ends when it is interrupted."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.engines import Outcome
from tests.cli.rows import SECRET

CHECKOUT = Path(__file__).resolve().parents[2]


def test_what_the_module_prints_is_not_the_result(run: Callable[..., Outcome]) -> None:
    outcome = run("call greet --name x")
    assert outcome.stdout == "hello x"
    assert "this is not the result" in outcome.stderr


def test_a_secret_is_masked_in_errors_and_prints(run: Callable[..., Outcome]) -> None:
    outcome = run("call betray --secret env:CANARY", CANARY=SECRET)
    assert outcome.exit_code == 1
    assert "the password is ***" in outcome.stderr
    assert "printed ***" in outcome.stderr
    assert SECRET not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("line", ["call -d betray --secret env:CANARY", "call betray --debug"])
def test_debug_shows_the_traceback_without_the_secret(
    line: str, run: Callable[..., Outcome]
) -> None:
    line = line if "env:" in line else f"{line} --secret env:CANARY"
    outcome = run(line, CANARY=SECRET)
    assert "Traceback (most recent call last)" in outcome.stderr
    assert "in betray" in outcome.stderr
    assert SECRET not in outcome.stdout + outcome.stderr


def test_an_error_names_its_kind_where_nobody_wrote_a_message(
    run: Callable[..., Outcome],
) -> None:
    assert "Error: KeyError: 'nowhere'" in run("call trip").stderr


def test_text_goes_to_a_file_and_to_standard_output(
    run: Callable[..., Outcome], tmp_path: Path
) -> None:
    target = tmp_path / "new" / "text"
    outcome = run(f"call greet --name x -o {target}")
    assert outcome.stdout == target.read_text() == "hello x"
    assert f'Saved output to "{target}".' in outcome.stderr


def test_a_directory_is_exported(run: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = run(f"call files -o {tmp_path / 'out'}")
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "B"
    assert outcome.stdout == ""
    assert f'Saved to "{tmp_path / "out"}".' in outcome.stderr


def test_a_file_is_exported(run: Callable[..., Outcome], tmp_path: Path) -> None:
    run(f"call files file --path a.txt --output {tmp_path / 'a'}")
    assert (tmp_path / "a").read_text() == "A"


def test_a_container_is_exported_as_an_archive(run: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = run(f"call base -o {tmp_path / 'image.tar'}")
    assert outcome.exit_code == 0, outcome.stderr
    assert b"oci-layout" in (tmp_path / "image.tar").read_bytes()


def test_a_failed_function_exports_nothing(run: Callable[..., Outcome], tmp_path: Path) -> None:
    assert run(f"call fail -o {tmp_path / 'out'}").exit_code == 1
    assert not (tmp_path / "out").exists()


def test_a_module_is_found_upwards_and_by_its_path(
    run: Callable[..., Outcome], plain_workspace: Path
) -> None:
    for line in (
        f"--workdir {plain_workspace / 'src'} call number",
        f"--workdir / call -m {plain_workspace} number",
        f"--workdir / call --greeting x --mod={plain_workspace} number",
        f"--workdir / -m {plain_workspace} call number",
    ):
        assert run(line).stdout == "3", line


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("--workdir / functions", "no dagger.json in /"),
        ("functions -m nowhere", "there is no directory"),
        ("functions -m github.com/some/module", "is not on this machine: use Dagger"),
    ],
)
def test_a_module_that_is_not_there(line: str, error: str, run: Callable[..., Outcome]) -> None:
    outcome = run(line)
    assert outcome.exit_code == 1
    assert error in outcome.stderr


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"dependencies": [{"name": "x", "source": "../x"}]}, "needs other modules"),
        ({"sdk": {"source": "go"}}, "is not written in Python"),
        ({"source": "elsewhere"}, "no main object"),
    ],
)
def test_a_module_that_this_engine_cannot_load(
    change: dict[str, object], error: str, tmp_path: Path, run: Callable[..., Outcome]
) -> None:
    config = {"name": "other", "sdk": {"source": "python"}, **change}
    (tmp_path / "dagger.json").write_text(json.dumps(config))
    outcome = run(f"functions -m {tmp_path}")
    assert outcome.exit_code == 1
    assert error in outcome.stderr


def test_a_module_without_an_entry_point_is_found_by_its_name(
    tmp_path: Path, run: Callable[..., Outcome]
) -> None:
    config = {"name": "my-tool", "sdk": {"source": "python"}}
    (tmp_path / "dagger.json").write_text(json.dumps(config))
    package = tmp_path / "src" / "my_tool"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from dagger import function, object_type\n\n"
        "@object_type\nclass MyTool:\n"
        "    @function\n    def two_words(self) -> str:\n        return 'found'\n"
    )
    assert run(f"call -m {tmp_path} two-words").stdout == "found"
    assert "two-words" in run(f"functions -m {tmp_path}").stdout


@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_call_ends_cleanly(
    interrupt: signal.Signals, environ: dict[str, str], plain_workspace: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ci.embedded", "call", "wait"],
        cwd=plain_workspace,
        env={**environ, "PYTHONPATH": str(CHECKOUT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A test run in the background is started with SIGINT ignored, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "waiting" in line:
            break
    os.kill(process.pid, interrupt)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, (lines, stderr)
    assert stdout == ""
    assert "Canceled." in stderr
    assert "Traceback" not in stderr
