"""A folder in which a person types `./daggerw call …` as it is printed: what would else be given
each time stands in its `.env`, as the guide has it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.faults.remedies import attempt, remedy_of, run

CHECKOUT = Path(__file__).resolve().parents[2]
ENTRANCE = '#!/bin/sh\nexec {checkout}/daggerw -m {checkout} "$@"\n'


@dataclass(frozen=True, slots=True)
class Desk:
    """The folder, and the environment of its shell."""

    folder: Path
    environment: Mapping[str, str]

    def does(self, command: str) -> str:
        """Type a command, which must end well; what it printed on stdout."""
        return run(command, self.folder, self.environment).stdout

    def tries(self, command: str) -> CompletedProcess[str]:
        """Type a command; the outcome, whatever it is."""
        return attempt(command, self.folder, self.environment)

    def refused(self, code: str, words: str) -> str:
        """Make a call that fails with this code; what is said to do."""
        done = self.tries(f"./daggerw call {words}")
        assert done.returncode == 1, done.stdout
        assert f"Error: {code}: " in done.stderr, done.stderr
        return remedy_of(done.stderr)


def set_up(folder: Path, docker_host: str, defaults: Mapping[str, str]) -> Desk:
    """Make the folder one; `defaults` are of the module's arguments, such as ``deploy_key``."""
    entrance = folder / "daggerw"
    entrance.write_text(ENTRANCE.format(checkout=CHECKOUT))
    entrance.chmod(0o755)
    lines = [f"CI_{name.upper()}={value}\n" for name, value in defaults.items()]
    (folder / ".env").write_text("".join(lines))
    chosen = {"DOCKER_HOST": docker_host, "CI_ENGINE": "embedded"}
    return Desk(folder, os.environ | chosen)
