"""The workflow run for real, by act on this machine: what is ours in it, and what stands in.

act reads the workflow file, judges its conditions and runs its steps in a shell here. Two actions
are stood in for, since they need GitHub: actions/checkout (a clone of the test's own repository at
the ref that the workflow asks for, with what a runner would have to download laid ready) and
actions/upload-artifact (a copy into a folder). What act leaves out altogether, triggers,
permissions and concurrency, is judged from the file in tests/audit.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.workflows.origin import CHECKOUT, Origin

WORKFLOW = Path(".github", "workflows", "release.yml")
LIMIT_S = 1500
# The engine's packages and the app's wheels: a runner fetches them, these tests need no network.
CHECKOUT_STAND_IN = """
name: checkout
inputs:
  ref: {default: "${{ github.ref }}"}
  fetch-depth: {default: "1"}
  persist-credentials: {default: "true"}
runs:
  using: composite
  steps:
    - shell: sh
      env:
        REF: ${{ inputs.ref }}
        DEPTH: ${{ inputs.fetch-depth }}
        KEPT: ${{ inputs.persist-credentials }}
      run: |
        [ "$KEPT" = false ]
        git init --quiet --initial-branch runner .
        further="--depth $DEPTH"
        if [ "$DEPTH" = 0 ]; then further=--tags; fi
        git fetch --quiet $further "$STAND_IN_ORIGIN" "+$REF:$REF"
        git checkout --quiet --detach "$REF"
        cp "$STAND_IN_DEFAULTS" .env
        ln -s "$STAND_IN_READY/.venv" .venv
        cp -R "$STAND_IN_READY/app/wheelhouse" app/wheelhouse
"""
UPLOAD_STAND_IN = """
name: upload
inputs:
  name: {required: true}
  path: {required: true}
runs:
  using: composite
  steps:
    - shell: sh
      env: {NAME: "${{ inputs.name }}", FOLDER: "${{ inputs.path }}"}
      run: cp -R "$FOLDER" "$STAND_IN_ARTIFACTS/$NAME"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of the workflow: its exit code, what was printed, and the artifacts' folder."""

    exit_code: int
    log: str
    artifacts: Path


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner of workflows with its own folder; `defaults` are the lines of the file .env.

    `variables` are the repository's, as its settings hold them.
    """

    folder: Path
    origin: Origin
    docker_host: str
    defaults: dict[str, str]
    secrets: dict[str, str]
    variables: dict[str, str]

    def push(self, ref: str) -> Outcome:
        """Run what a push of this ref starts."""
        return self._run("push", {"ref": ref})

    def dispatch(self, **inputs: str) -> Outcome:
        """Run what a person starts by hand on the default branch."""
        return self._run("workflow_dispatch", {"ref": "refs/heads/main", "inputs": inputs})

    def _run(self, name: str, event: dict[str, object]) -> Outcome:
        artifacts = self.folder / "artifacts"
        artifacts.mkdir(parents=True)
        about = {"full_name": "acme/observer", "default_branch": "main"}
        (self.folder / "event.json").write_text(json.dumps({**event, "repository": about}))
        defaults = "".join(f"{key}={value}\n" for key, value in self.defaults.items())
        (self.folder / "defaults").write_text(defaults)
        (self.folder / "nothing").touch()
        done = subprocess.run(
            [str(CHECKOUT / ".venv" / "bin" / "act"), name, *self._options()],
            cwd=self.origin.folder,
            env=self._environment(artifacts),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        return Outcome(done.returncode, done.stdout, artifacts)

    def _options(self) -> list[str]:
        options = ["--platform", "ubuntu-24.04=-self-hosted", "--workflows", str(WORKFLOW)]
        options += ["--eventpath", str(self.folder / "event.json")]
        for name, value in {"CI_ENGINE": "embedded", **self.variables}.items():
            options += ["--var", f"{name}={value}"]
        options += ["--action-cache-path", str(self.folder / "act"), "--action-offline-mode"]
        options += ["--no-cache-server", "--no-skip-checkout", "--concurrent-jobs", "1"]
        # act would hide what is looked for here.
        options += ["--insecure-secrets"]
        for kind in ("env", "var", "secret", "input"):
            options += [f"--{kind}-file", str(self.folder / "nothing")]
        for key in self.secrets:
            options += ["--secret", key]
        for action, text in (("checkout", CHECKOUT_STAND_IN), ("upload-artifact", UPLOAD_STAND_IN)):
            stand_in = self.folder / action
            stand_in.mkdir()
            (stand_in / "action.yml").write_text(text)
            for pin in self._pins(action):
                options += ["--local-repository", f"actions/{action}@{pin}={stand_in}"]
        return options

    def _pins(self, action: str) -> set[str]:
        text = (self.origin.folder / WORKFLOW).read_text()
        return set(re.findall(rf"actions/{action}@([0-9a-f]{{40}}) # v", text))

    def _environment(self, artifacts: Path) -> dict[str, str]:
        # act takes an undescribed secret's value from its environment: never from an argument.
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DOCKER_HOST": self.docker_host,
            "CI_EMBEDDED_STATE": os.environ["CI_EMBEDDED_STATE"],
            "STAND_IN_ORIGIN": str(self.origin.folder),
            "STAND_IN_DEFAULTS": str(self.folder / "defaults"),
            "STAND_IN_READY": str(CHECKOUT),
            "STAND_IN_ARTIFACTS": str(artifacts),
            **self.secrets,
        }
