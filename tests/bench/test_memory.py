"""Memory is seen where it is: in the process that was started, and in what that started."""

import os
import sys
from pathlib import Path

import pytest

from bench.memory import watched

HOLDS = "import time; held = bytearray(50_000_000); time.sleep(0.5)"
STARTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS!r}])"


@pytest.mark.parametrize("text", [HOLDS, STARTS], ids=["its own", "its child's"])
def test_the_peak_holds_what_was_held(text):
    seconds, peak_bytes = watched([sys.executable, "-c", text], dict(os.environ), Path())
    assert seconds >= 0.5
    assert 50e6 < peak_bytes < 150e6


def test_a_command_that_fails_is_not_measured():
    with pytest.raises(RuntimeError, match="no such thing"):
        watched(["sh", "-c", "echo no such thing; exit 3"], dict(os.environ), Path())
