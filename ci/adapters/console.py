"""Plain lines on stderr; stdout belongs to results."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Console:
    """Says what is going on, one line at a time."""

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say `name` when it begins, and again with the seconds when it ends well."""
        self.note(f"...  {name}")
        begun = time.monotonic()
        yield
        self.note(f"ok   {name}  {time.monotonic() - begun:.1f} s")
