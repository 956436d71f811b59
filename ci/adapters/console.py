"""What goes on, on stderr; stdout belongs to results."""

import os
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
        """Say `name` when it begins, and again with the seconds when it ends."""
        begun = time.monotonic()
        try:
            with self.under_way(name, begun):
                yield
        except Exception:
            self.note(f"fail {name}  {time.monotonic() - begun:.1f} s")
            raise
        self.note(f"ok   {name}  {time.monotonic() - begun:.1f} s")

    @contextmanager
    def under_way(self, name: str, begun: float) -> Iterator[None]:
        """Show that a step is under way; `begun` is on the monotonic clock."""
        self.note(f"...  {name}")
        yield


class TerminalConsole(Console):
    """The same for somebody who watches: the last lines are what is under way, and for how long."""

    def __init__(self) -> None:
        from rich.console import Console as Screen
        from rich.live import Live

        self._steps: list[tuple[str, float]] = []
        self._screen = Screen(file=sys.stderr, highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._screen,
            get_renderable=self._last_lines,
            transient=True,
            # Standard output is never the module's; what others say must not be drawn over.
            redirect_stdout=False,
        )

    def note(self, text: str) -> None:
        self._screen.print(text, soft_wrap=True)

    @contextmanager
    def under_way(self, name: str, begun: float) -> Iterator[None]:
        self._steps.append((name, begun))
        self._live.start(refresh=True)
        try:
            yield
        finally:
            self._steps.remove((name, begun))
            if not self._steps:
                self._live.stop()

    def _last_lines(self) -> str:
        now = time.monotonic()
        return "\n".join(f"...  {name}  {now - begun:.0f} s" for name, begun in tuple(self._steps))


def open_console() -> Console:
    """Choose by what stderr is."""
    is_watched = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return TerminalConsole() if is_watched else Console()
