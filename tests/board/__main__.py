"""`python -m tests.board OUTCOMES FIGURES PAGE`: writes the scoreboard; exits 1 if a row failed."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.board.catalogue import read_catalogue
from tests.board.scoreboard import FAILED, judge_row, render_scoreboard

CHECKOUT = Path(__file__).resolve().parents[2]
SEED = "0"


def said(*command: str) -> str:
    """The first line that a command prints; "-" where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT)
    except (OSError, subprocess.CalledProcessError):
        return "-"
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def facts(tests: int, seconds: int) -> dict[str, str]:
    """What the run was made with."""
    changed = " (with changes that are not committed)" if said("git", "status", "-s") else ""
    docker = ("docker", "version", "--format", "{{.Server.Version}}")
    return {
        "commit": said("git", "rev-parse", "HEAD") + changed,
        "hypothesis seed": SEED,
        "Python": platform.python_version(),
        "Docker that builds": said(*docker),
        "registry": said("docker-registry", "--version").rpartition(" ")[2],
        "OpenSSH client": said("ssh", "-V"),
        "asyncssh, httpx, dagger-io": ", ".join(map(version, ("asyncssh", "httpx", "dagger-io"))),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "tests": f"{tests}, some for several rows; {seconds} s in them",
    }


def main() -> int:
    """Write the page; the exit code."""
    outcomes, figures, page = map(Path, sys.argv[1:])
    found = json.loads(outcomes.read_text())
    judged = [
        judge_row(row, found["rows"].get(row.name, {}), found["measured"].get(row.name, ()))
        for row in read_catalogue().values()
    ]
    counted = json.loads(figures.read_text())
    tests = {test for outcomes in found["rows"].values() for test in outcomes}
    page.write_text(render_scoreboard(judged, facts(len(tests), found["seconds"]), counted))
    failed = [each.row.name for each in judged if each.verdict == FAILED]
    print(f"{page}: {len(failed)} rows failed{': ' if failed else ''}{', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
