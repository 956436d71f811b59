"""What an engine says when it fails, cut and cleaned for an error's cause."""

import base64
from urllib.parse import quote

LINES = 40
_HIDDEN = "***"


def last_lines(text: str, secret: str = "", lines: int = LINES) -> str:
    """Keep the end of an output, without control characters and without the secret."""
    for form in _forms(secret):
        text = text.replace(form, _HIDDEN)
    kept = [_plain(line) for line in text.splitlines() if line.strip()]
    return "\n    ".join(kept[-lines:])


def _forms(secret: str) -> list[str]:
    """The secret as it is, in base64 and in a URL; the longest first."""
    if not secret:
        return []
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return sorted({secret, encoded, quote(secret, safe="")}, key=len, reverse=True)


def _plain(line: str) -> str:
    # "::" starts a workflow command in GitHub's logs.
    return "".join(c if c.isprintable() else "?" for c in line).replace("::", ": :")
