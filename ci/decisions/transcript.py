"""What a run on the server said: its own lines, told from noise and logs by the run's nonce."""

import re
from dataclasses import dataclass, field

from ci.oci.text import harmless

_END = re.compile(r"([0-9]{1,3}) ([A-Za-z]{1,40})", re.ASCII)
# A run says a few hundred lines; what floods is cut.
LINE_LIMIT = 5000
_SHOWN = ("failed", "log", "health", "compose", "note")
_LAST = ("seen", "now", "remedy", "end")
_PROGRESS_BAR = re.compile(r"\[[=>]* *\] ")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the run's own."""

    kind: str
    text: str


@dataclass(slots=True)
class Transcript:
    """The lines of one run in their order; following again from the start adds nothing twice."""

    nonce: str
    lines: list[Line] = field(default_factory=list)
    exit_class: int | None = None
    code: str = ""
    _again: int = 0

    def start_again(self) -> None:
        """The run's output will be read from its beginning once more."""
        self._again = 0

    def add(self, raw: str) -> Line | None:
        """Take one line of output; None when it is not the run's, or known already."""
        line = parse_line(self.nonce, raw)
        if line is None or self.has_ended:
            return None
        self._again += 1
        is_flood = len(self.lines) >= LINE_LIMIT and line.kind not in _LAST
        if self._again <= len(self.lines) or is_flood:
            return None
        self.lines.append(line)
        if line.kind == "end" and (found := _END.fullmatch(line.text)):
            self.exit_class, self.code = int(found[1]), found[2]
        return line

    @property
    def has_ended(self) -> bool:
        """Whether the run said how it ended."""
        return self.exit_class is not None

    def last(self, kind: str) -> str:
        """The newest line of a kind; "" when there is none."""
        return next((line.text for line in reversed(self.lines) if line.kind == kind), "")


def parse_line(nonce: str, raw: str) -> Line | None:
    """Read a line, which is the run's only when it begins with the run's nonce."""
    head, _, rest = raw.partition(" ")
    if not nonce or head != nonce:
        return None
    kind, _, text = rest.partition(" ")
    return Line(kind, text) if re.fullmatch(r"[a-z]{1,20}", kind, re.ASCII) else None


def render_line(line: Line) -> str:
    """Show a line to the person who waits; "" for what is told elsewhere.

    What containers wrote is theirs: it is prefixed, and can start no command in a log.
    """
    if line.kind == "compose" and _PROGRESS_BAR.search(line.text):
        return ""
    if line.kind in _SHOWN:
        return f"     {line.kind:<8}{harmless(line.text)}"
    if line.kind in ("state", "progress"):
        return f"     server: {harmless(line.text)}"
    return ""
