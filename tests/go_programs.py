"""Programs in Go that tests run beside ours or release, built by the ordinary toolchain."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.clients import missing

CHECKOUT = Path(__file__).resolve().parent.parent


def build_program(source: Path, output: Path, architecture: str = "") -> Path:
    """Build the Go module in `source` into `output`, where Go is there or must be."""
    if os.environ.get("CI") or shutil.which("go"):
        command = ["sh", str(CHECKOUT / "rehearsal" / "go-program.sh"), str(source), str(output)]
        wanted = {"GOARCH": architecture} if architecture else {}
        subprocess.run(command, cwd=CHECKOUT, env=os.environ | wanted, check=True)
    if not output.exists():
        missing(f"no Go to build {source.name} with")
    return output
