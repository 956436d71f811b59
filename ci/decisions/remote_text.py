"""Reading what a server said: any bytes become lines that no terminal or log is misled by."""

import re

# CSI, OSC and the other escape sequences, then every control character but tab and newline.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def readable(raw: bytes) -> str:
    """Decode as UTF-8, invalid bytes replaced, escape sequences and control characters left out."""
    return _ESCAPES.sub("", raw.decode("utf-8", "replace"))
