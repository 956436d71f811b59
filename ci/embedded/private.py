"""A session's folder in memory: where secrets are mounted from, and the proof that it lives."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

LOCK = ".lock"


class PrivateFolder:
    """Held by its process; when that ends, however it ends, others see it and clean up."""

    def __init__(self, session: str) -> None:
        self.path = _folder(session)
        # Locked before it has the name that others look for.
        beside = Path(tempfile.mkdtemp(dir=_base(), prefix=".ci-embedded-"))
        self._lock = os.open(beside / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        beside.rename(self.path)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def is_alive(session: str) -> bool:
    """Whether the process of a session of this user on this machine still runs."""
    return _is_held(_folder(session))


def sweep() -> None:
    """Remove the folders whose processes have ended."""
    for path in _base().glob(f"ci-embedded-{os.getuid()}-*"):
        if not _is_held(path):
            shutil.rmtree(path, ignore_errors=True)


def _base() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is made for this user alone
    return memory if memory.is_dir() else Path(tempfile.gettempdir())


def _folder(session: str) -> Path:
    return _base() / f"ci-embedded-{os.getuid()}-{session}"


def _is_held(folder: Path) -> bool:
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
