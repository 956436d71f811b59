"""What everybody is, by their own words."""

import os
import platform
import shutil
import subprocess
import sys

from bench.ground import CHECKOUT, Ground


def versions(ground: Ground) -> dict[str, str]:
    """What everybody is, by their own words."""
    asked = {
        "docker": [
            "docker",
            "version",
            "--format",
            "client {{.Client.Version}}, engine {{.Server.Version}}",
        ],
        "skopeo": ["skopeo", "--version"],
        "crane": [
            "sh",
            "-c",
            f"grep -o 'go-containerregistry v.*' {CHECKOUT / 'bench/crane/go.mod'}",
        ],
        "registry": ["docker-registry", "--version"],
        "git": ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"],
    }
    if shutil.which("dagger"):
        asked["dagger"] = ["dagger", "version"]
    found = {"Python": sys.version.split()[0]}
    for name, command in asked.items():
        done = subprocess.run(
            command, env=ground.environ, capture_output=True, text=True, check=False
        )
        # Where Dagger's engine listens is nobody's business.
        found[name] = (done.stdout or done.stderr).strip().splitlines()[0].partition(" (")[0]
    return found


def machine() -> str:
    """What it was measured on, and how busy that was."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} when it began"
