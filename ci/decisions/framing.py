"""Telling a command's own output and exit status from whatever its account says around it.

A command is run between two lines that only the caller knows. What comes before is the noise of
start-up files; without the first line the account runs something else; without the second the
command did not come to its end, whatever number the connection gives.
"""

import re
import shlex
from dataclasses import dataclass

LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Framed:
    """One command's output, taken apart; `status` is None when it did not end by itself."""

    has_begun: bool
    noise: bytes
    body: bytes
    status: int | None


def framed(command: str, nonce: str) -> str:
    """Wrap a command; any login shell can read it: there is no backslash and no line break."""
    inner = f"echo {nonce} begin; sh -c {shlex.quote(command)}; e=$?; echo; echo {nonce} end $e"
    return f"sh -c {shlex.quote(inner)}"


def take_apart(raw: bytes, nonce: str) -> Framed:
    """Find the two lines in everything that came."""
    noise, begin, rest = raw.partition(f"{nonce} begin\n".encode())
    if not begin:
        return Framed(has_begun=False, noise=raw, body=b"", status=None)
    end = re.search(rb"\n" + nonce.encode() + rb" end ([0-9]{1,3})\n\Z", rest)
    body = rest[: end.start()] if end else rest
    return Framed(has_begun=True, noise=noise, body=body, status=int(end[1]) if end else None)


class LineReader:
    """The same for output that is read while it comes, line by line."""

    def __init__(self, nonce: str) -> None:
        self._begin, self._end = f"{nonce} begin".encode(), f"{nonce} end ".encode()
        self._rest = b""
        self._empty = 0
        self._is_overlong = False
        self.has_begun = self.has_ended = False
        self.noise = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take what came; the command's lines that are whole now, each cut at 64 KiB."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        found = list[bytes]()
        for line in whole:
            if self._is_overlong:
                self._is_overlong = False
            else:
                self._take(line, found)
        if len(self._rest) > LINE_BYTES:
            if not self._is_overlong:
                self._take(self._rest, found)
            self._rest, self._is_overlong = b"", True
        return found

    def _take(self, line: bytes, found: list[bytes]) -> None:
        if self.has_ended:
            return
        if not self.has_begun:
            # Noise may end without a line break.
            self.has_begun = line.endswith(self._begin)
            self.noise = (self.noise + line + b"\n")[:LINE_BYTES]
        elif line.startswith(self._end):
            self.has_ended = True
            found += [b""] * (self._empty - 1)
        elif not line:
            # The last empty line is the frame's own: kept back until another line follows.
            self._empty += 1
        else:
            found += [b""] * self._empty + [line[:LINE_BYTES]]
            self._empty = 0
