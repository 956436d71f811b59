"""The workflow files, as two linters of others' making see them: nothing at all is found."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.clients import missing
from tests.go_programs import build_program

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = CHECKOUT / ".venv" / "bin"
ACTIONLINT = CHECKOUT / ".local" / "bin" / "actionlint"
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
CALL = re.compile(r"\./daggerw( --?\S+)* call .+")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter at the checkout's root."""
    if not Path(words[0]).exists():
        missing(f"no {words[0]}")
    return subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_there_are_workflows():
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "release.yml"}


def test_zizmor_reports_nothing_even_to_an_auditor():
    strict = ("--persona", "auditor", "--no-config", "--no-ignores")
    done = run(TOOLS / "zizmor", "--offline", "--no-progress", *strict, ".github/workflows")
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


def test_actionlint_reports_nothing_shell_included():
    build_program(CHECKOUT / "tests" / "workflows" / "actionlint", ACTIONLINT)
    done = run(ACTIONLINT, "-no-color", "-shellcheck", TOOLS / "shellcheck", *WORKFLOWS)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path):
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_every_step_of_the_release_is_one_call_and_nothing_is_expanded_into_it():
    release = next(path for path in WORKFLOWS if path.name == "release.yml").read_text()
    commands = re.findall(r"run: (.*)", release)
    assert commands
    for command in commands:
        assert CALL.fullmatch(command)
        assert "${{" not in command
