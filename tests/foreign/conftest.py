"""Repositories of other teams: their files, their history, and no Python of this project's."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients import Credentials
from tests.go_programs import build_program

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECTS = Path(__file__).parent / "projects"


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another team's repository, and the registry that it releases to."""

    root: Path
    image: str
    registry: str
    credentials: Credentials

    def git(self, *words: str) -> str:
        """Run git there; what it printed."""
        who = ["-c", "user.name=they", "-c", "user.email=they@example.test"]
        command = ["git", "-C", str(self.root), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Call the pipeline from there, as a module that lies elsewhere."""
        access = ["--user", self.credentials.user, "--token", f"file:{self.credentials.token_file}"]
        place = ["--image", self.image, "--via", f"tcp://{self.registry}"]
        module = [str(CHECKOUT / "daggerw"), "-m", str(CHECKOUT), "call", "--source=."]
        return subprocess.run(
            [*module, *place, *access, *words],
            cwd=self.root,
            env=os.environ | {"CI_ENGINE": "embedded"},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


@pytest.fixture
def foreign(
    tmp_path: Path, docker_host: str, target: str, credentials: Credentials
) -> Callable[[str], Foreign]:
    """Makes the repository of a project of `projects`, committed."""

    def make(name: str) -> Foreign:
        root = tmp_path / name
        shutil.copytree(PROJECTS / name, root)
        image = f"{target}/{name}/{secrets.token_hex(4)}"
        made = Foreign(root, image, target, credentials)
        (root / ".gitignore").write_text("dist\n")
        made.git("init", "-q")
        made.git("add", "-A")
        made.git("commit", "-q", "-m", f"the first of {name}")
        if name == "go-service":
            for architecture in ("amd64", "arm64"):
                kept = CHECKOUT / ".local" / "bin" / f"go-service-{architecture}"
                build_program(PROJECTS / name, kept, architecture)
                (root / "dist").mkdir(exist_ok=True)
                shutil.copy(kept, root / "dist" / f"service-{architecture}")
        return made

    return make
