"""A team's own Dagger module releases by this one, which it has among its dependencies."""

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.engine.engines import is_embedded
from tests.foreign.conftest import CHECKOUT

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
DEPENDENT = Path(__file__).parent / "dependent"


@pytest.mark.skipif(is_embedded(), reason="make test-dagger runs this on a real Dagger")
def test_a_module_of_theirs_publishes_and_verifies_by_this_one(foreign, tag, skopeo):
    theirs = foreign("site")
    vendored(theirs.root)
    theirs.commit("a pipeline of our own")
    done = subprocess.run(
        [
            *("dagger", "--progress=plain", "call", "ship", "--source=.", f"--tag={tag}"),
            *(f"--image={theirs.image}", f"--via=tcp://{theirs.registry}"),
            *(f"--user={theirs.credentials.user}", f"--token=file:{theirs.credentials.token_file}"),
        ],
        cwd=theirs.root,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    reference = done.stdout.strip()
    skopeo.log_in(theirs.registry, theirs.credentials)
    words = (
        "inspect",
        "--tls-verify=false",
        "--format={{.Digest}}",
        f"docker://{theirs.image}:{tag}",
    )
    assert reference == f"{theirs.image}:{tag}@{skopeo.allowed(*words).strip()}"


def test_the_guide_shows_the_module_that_is_run_here():
    guide = (CHECKOUT / "docs" / "guide" / "engines.md").read_text()
    shown = guide.partition("```python\n")[2].partition("```")[0]
    assert textwrap.indent(shown, "    ") in (DEPENDENT / "src/theirs/__init__.py").read_text()
    assert '{"name": "ci", "source": "vendor/ci"}' in (DEPENDENT / "dagger.json").read_text()


def vendored(root: Path) -> None:
    """Put their module there, and beside it a copy of this one: what its dagger.json includes."""
    shutil.copytree(DEPENDENT, root / "pipeline")
    shutil.move(root / "pipeline" / "dagger.json", root / "dagger.json")
    ignored = shutil.ignore_patterns("__pycache__", "embedded")
    shutil.copytree(CHECKOUT / "ci", root / "vendor" / "ci" / "ci", ignore=ignored)
    for name in ("dagger.json", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, root / "vendor" / "ci" / name)
