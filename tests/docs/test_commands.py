"""What the documentation tells a reader to type is what there is to be typed."""

import re
import shlex

import pytest

from ci.embedded.cli.command import list_functions, read_call
from ci.embedded.cli.help import Pages
from ci.embedded.cli.module import Module, find_source
from tests.docs.commands import CHECKOUT, commands, pages

SHOWN = [
    pytest.param(command, id=f"{page.name} {command}")
    for page in pages()
    for command in dict.fromkeys(commands(page))
]
CALL = re.compile(r"(?:\S*daggerw|dagger)\b.*?\bcall\b(.*)")
TARGETS = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
# What is neither a call nor a target: the reader's own shell.
PLAIN = {"git", "export", "ssh", "ssh-keygen", "ssh-keyscan", "."}
# tests/end_to_end/test_guide.py runs these.
PLAIN |= {"apt-get", "chmod", "chown", "echo", "install", "useradd", "usermod"}
KEPT = re.compile(r"\w+=\$\((.*)\)")


@pytest.fixture(scope="module")
def module() -> Module:
    return Module.load(find_source(str(CHECKOUT)))


@pytest.mark.parametrize("command", SHOWN)
def test_a_shown_command_is_one_that_there_is(command, module):
    if kept := KEPT.fullmatch(command):
        command = kept[1]
    called = CALL.match(command)
    words = shlex.split(command)
    if called:
        plan = read_call(module, shlex.split(called[1]), Pages())
        assert plan.page or len(plan.steps) > 1
    elif words[0].endswith("daggerw"):
        assert list_functions(module, words[2:], Pages())
    elif words[0] == "make":
        assert set(words[1:]) <= TARGETS
    elif words[0].startswith(".venv/bin/python"):
        assert words[1] == "-m"
    else:
        assert words[0] in PLAIN
