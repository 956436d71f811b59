"""What a person sees of the work: moving on a terminal, plain lines elsewhere."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

WORK = """
import time
from ci.adapters.console import open_console
console = open_console()
with console.step("first"):
    console.note("     [bold]between[/bold] :smile:")
    time.sleep(1.3)
print("result")
try:
    with console.step("second"):
        raise ValueError
except ValueError:
    pass
"""
NOTE = "     [bold]between[/bold] :smile:"
PLAIN = ["...  first", NOTE, "ok   first", "...  second", "fail second"]


def run(term: str, stderr: int) -> str:
    environ = {**os.environ, "TERM": term}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env=environ,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
    )
    return done.stdout


def on_terminal(term: str) -> tuple[str, str]:
    """Standard output, and what came to a terminal."""
    ours, its = pty.openpty()
    try:
        stdout = run(term, its)
    finally:
        os.close(its)
    seen = b""
    # At the end, Linux says EIO where others say nothing.
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass
    os.close(ours)
    return stdout, seen.decode()


def without_seconds(text: str) -> list[str]:
    return [line.rpartition("  ")[0] if line.endswith(" s") else line for line in text.splitlines()]


def test_a_log_gets_plain_lines(tmp_path):
    with (tmp_path / "log").open("w") as log:
        assert run("xterm", log.fileno()) == "result\n"
    assert without_seconds((tmp_path / "log").read_text()) == PLAIN


def test_a_terminal_that_can_do_nothing_gets_plain_lines():
    stdout, seen = on_terminal("dumb")
    assert stdout == "result\n"
    assert without_seconds(seen) == PLAIN


def test_a_terminal_shows_for_how_long_a_step_is_under_way():
    stdout, seen = on_terminal("xterm")
    assert stdout == "result\n"
    assert "...  first  0 s" in seen
    assert "...  first  1 s" in seen
    assert re.search(r"ok   first  \d+\.\d s", seen)
    assert re.search(r"fail second  \d+\.\d s", seen)
    assert NOTE in seen


def test_no_colour_is_set_that_a_light_or_a_dark_ground_could_swallow():
    _, seen = on_terminal("xterm-256color")
    assert not re.search(r"\x1b\[[0-9;]*m", seen)
