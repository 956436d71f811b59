"""Transactions seen and killed from outside, past SSH and past their own words."""

import contextlib
import hashlib
import os
import signal
from pathlib import Path

from tests.server.driver import wait_until
from tests.server.machine import MACHINE
from tests.server.observer import running

# What the journal says in turn, of a deploy that goes well.
STATES = (
    "begun",
    "pulling",
    "pulled",
    "dependencies",
    "candidate",
    "candidate-proven",
    "switching",
    "proven",
)


def seen_from_outside(stack, name):
    """A file of the server, past SSH: its changes lie in a folder of this machine."""
    return MACHINE.folder / "upper" / stack.directory.removeprefix("/") / ".ci" / name


# A journal's change is `mv` here: after the one that is waited for, it holds the run until told.
HOLDING_MV = """#!/bin/sh
/usr/bin/mv "$@" || exit
for last in "$@"; do :; done
case $last in
*/journal)
    if grep -qx "state {state}" "$last"; then
        touch {folder}/reached
        while [ -e {folder}/hold ]; do sleep 0.05; done
    fi
    ;;
esac
"""


@contextlib.contextmanager
def held_at(stack, state, image, **changes):
    """Start a deploy and hold it where its journal has come to `state`; the block's end lets go."""
    folder = f"{stack.directory}/mv-{state}"
    text = HOLDING_MV.format(state=state, folder=folder)
    stack.remote.upload_all(folder, {"mv": text.encode(), "hold": b""})
    stack.remote.allowed(f"chmod +x {folder}/mv")
    seen = seen_from_outside(stack, f"../mv-{state}/reached")
    try:
        run = stack.with_path(f"{folder}:$PATH").start(image, **changes)
        wait_until(seen.exists)
        yield run
    finally:
        stack.remote.allowed(f"rm -r {folder}")


def kill_at(stack, state, image, **changes):
    """SIGKILL a deploy where its journal has come to `state`; its name."""
    with held_at(stack, state, image, **changes) as run:
        assert kill(stack, run) >= 1
    return run


def kill(stack, run):
    """SIGKILL the transaction's own processes; what they started is left to itself."""
    # Another stack, on this server or on another checkout's, has a run of the same name.
    ours = [b"run", stack.directory.encode(), run.encode(), b""]
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-4:] == ours:
            os.kill(int(folder.name), signal.SIGKILL)
            killed += 1
    return killed


def other(image, stack):
    """The good image that does not run there now."""
    names = ["good", "second"]
    return image(names[running(stack)[0] == image(names[0]).reference])


def is_clean(stack):
    """No candidate, no half-made container, no credential in memory."""
    names = stack.observe("ps", "--all", "--format", "{{.Names}}").split()
    assert [name for name in names if stack.project in name and "candidate" in name] == []
    assert len(stack.service()) == 1
    own = hashlib.sha256(f"{stack.directory}/.ci".encode()).hexdigest()[:12]
    assert own not in stack.remote.allowed("ls /dev/shm")
