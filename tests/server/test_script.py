"""The script as a text: it parses, a linter has no complaint, and nothing in it grew too large."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.driver import SOURCES, script

SHELLCHECK = Path(sys.executable).parent / "shellcheck"
FUNCTION = re.compile(r"^[a-z_]+\(\) \{.*?^\}$", re.MULTILINE | re.DOTALL)


def test_every_part_is_in_the_script_once():
    parts = (SOURCES / "PARTS").read_text().split()
    assert sorted(parts) == sorted(path.name for path in SOURCES.glob("*.sh"))


def test_shellcheck_has_no_complaint():
    command = [SHELLCHECK, "--shell=sh", "-"]
    done = subprocess.run(command, input=script(), capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_a_shell_can_read_all_of_it():
    done = subprocess.run(["sh", "-n"], input=script(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("path", sorted(SOURCES.glob("*.sh")), ids=lambda path: path.name)
def test_parts_and_functions_are_of_a_size_to_read(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    longest = max((len(body.splitlines()), body[:40]) for body in FUNCTION.findall(text))
    assert longest[0] <= 30, longest
