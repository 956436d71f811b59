"""Standard output for the result alone, standard error without secrets."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from ..scrub import Scrubber


class Masked(io.TextIOBase):
    """A text stream that masks the secrets in what is written to it."""

    def __init__(self, stream: TextIO, scrubber: Scrubber) -> None:
        self._stream, self._scrubber = stream, scrubber

    def write(self, text: str) -> int:
        self._stream.write(self._scrubber.scrub(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command writes: `out` takes the result, `log` everything else."""

    out: TextIO
    scrubber: Scrubber

    def say(self, text: str) -> None:
        """Write lines for the user."""
        sys.stderr.write(text.rstrip("\n") + "\n")


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    """Send whatever the module prints, and its child processes, to standard error."""
    scrubber = Scrubber()
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with os.fdopen(os.dup(saved), "w", encoding="utf-8") as out:
            os.dup2(2, 1)
            log = Masked(sys.stderr, scrubber)
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                yield Terminal(out, scrubber)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
