"""Help pages and listings against golden files, which were compared with Dagger's own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.engines import Outcome

GOLDEN = Path(__file__).parent / "golden"
CHECKOUT = Path(__file__).resolve().parents[2]

PAGES = {
    "functions": "functions",
    "functions-of-an-object": "functions leaf",
    "call": "call --help",
    "call-greet": "call greet --help",
    "call-many": "call many --help",
    "call-paint": "call paint -h",
    "call-leaf": "call --greeting x leaf --help",
    "call-base-file": "call base file --help",
    "call-base-publish": "call base publish --help",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_laid_out_as_dagger_lays_it_out(name: str, run: Callable[..., Outcome]) -> None:
    outcome = run(PAGES[name])
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(outcome.stdout)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == golden.read_text()


def test_defaults_from_the_env_file_show_in_help(run: Callable[..., Outcome]) -> None:
    outcome = run("call greet --help", dotenv="GREET_NAME=monde\n")
    assert '--name string   Who is greeted (default "monde")' in outcome.stdout
    assert 'user default: kinds.greet(name="monde")' in outcome.stderr


def test_a_secret_from_the_env_file_does_not_show(run: Callable[..., Outcome]) -> None:
    outcome = run("call --help", dotenv="TOKEN=hush\n")
    assert "hush" not in outcome.stdout + outcome.stderr
    assert "user default: kinds(token=*****)" in outcome.stderr


def test_a_wrong_command_line_with_help_gets_both(run: Callable[..., Outcome]) -> None:
    outcome = run("call greet --nope --help")
    assert outcome.exit_code == 1
    assert "Error: unknown flag: --nope" in outcome.stderr
    assert "dagger call greet [arguments]" in outcome.stderr


@pytest.mark.parametrize(
    ("line", "meant"),
    [("call gret", "greet"), ("call greet --nam x", "--name"), ("functions base", None)],
)
def test_what_was_meant_is_suggested(
    line: str, meant: str | None, run: Callable[..., Outcome]
) -> None:
    outcome = run(line)
    assert ("Did you mean this?" in outcome.stderr) == (meant is not None)
    assert f"\t{meant}\n" in outcome.stderr or meant is None


@pytest.mark.parametrize("line", ["call --help", "functions", "call base --help"])
def test_help_starts_no_engine(line: str, plain_workspace: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from ci.embedded.cli import main; code = main(sys.argv[1:]); "
        "assert 'ci.embedded.server' not in sys.modules, 'the engine was imported'; sys.exit(code)"
    )
    environ = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "DOCKER_HOST": "unix:///nowhere.sock",
        "CI_EMBEDDED_STATE": str(tmp_path / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program, *line.split()],
        cwd=plain_workspace,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "state").exists()
