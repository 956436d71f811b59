"""One checkout after the other where they could choose the same port or address."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def machine_turn() -> Iterator[None]:
    """Keep the other checkouts of this machine out from a choice until it is seen to be taken.

    A free port is only somebody's once it is listened on; until then two would take it, and one
    would find the other's registry where it looks for its own.
    """
    # The folder itself is locked, so that no file is left there.
    descriptor = os.open(Path(tempfile.gettempdir()), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
