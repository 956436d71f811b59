"""The commands that a failure tells its reader to run, taken out of its words as they stand there.

A command begins with a program's name, and ends with the text or at a comma, a semicolon, a
bracket or a backtick that is not its own.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_PROGRAM = (
    r"\./daggerw (?=call)|docker (?=[a-z])|ssh (?=-)|ssh-key\w+ |sudo |systemctl |journalctl "
    r"|usermod |git (?=checkout|tag|fetch)|gh |df |sh (?=-c)|chmod |rm "
)
_SUBSTITUTED = r"\$\((?:[^()]|\([^()]*\))*\)"
_WORD = rf"(?:'[^']*'|{_SUBSTITUTED}|,(?=\S)|[^\s,;()`'])+"
_COMMAND = re.compile(rf"(?<![\w./'-])(?:{_PROGRAM}){_WORD}(?: {_WORD})*")


def commands_of(text: str) -> list[str]:
    """Every command in a remedy, in its order."""
    return _COMMAND.findall(text)


def remedy_of(said: str) -> str:
    """The remedy of a call that failed, out of what it printed."""
    return said.rpartition("\n  do: ")[2]


def command_of(text: str) -> str:
    """The one command of a remedy."""
    (command,) = commands_of(text)
    return command


def run(
    command: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does who pastes it into a shell; it must end well."""
    done = attempt(command, folder, environment)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done


def attempt(
    command: str, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The same, whatever its outcome."""
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
