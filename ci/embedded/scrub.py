"""Takes secrets out of whatever is printed, stored or sent to the client."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterable

MASK = "***"
# Encoded forms of shorter values would hit ordinary text.
ENCODED_FROM_CHARACTERS = 6


def encodings(secret: str) -> list[str]:
    """The forms in which a secret is looked for, longest first."""
    forms = {secret, secret.strip()}
    if len(secret.strip()) >= ENCODED_FROM_CHARACTERS:
        for text in tuple(forms):
            forms |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
            forms |= {urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text)}
            forms |= _base64_cores(text.encode())
    return sorted((form for form in forms if form), key=len, reverse=True)


def _base64_cores(raw: bytes) -> set[str]:
    """The characters of base64 that depend on the secret alone, at each of the three alignments.

    So a secret is also found inside base64 of ``user:secret``.
    """
    cores = set()
    for offset in range(3):
        first = -(-offset * 8 // 6)
        last = (offset + len(raw)) * 8 // 6
        padded = b"\0" * offset + raw + b"\0" * 2
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores.add(encode(padded).decode()[first:last])
    return cores


class Scrubber:
    """Knows the secrets of a session and masks them in text."""

    def __init__(self) -> None:
        self._forms: dict[str, None] = {}

    def add(self, secret: str) -> None:
        """Mask this value from now on."""
        for form in encodings(secret):
            self._forms[form] = None

    def scrub(self, text: str, only: Iterable[str] | None = None) -> str:
        """Return `text` with every known form (or the forms of `only`) masked."""
        forms = self._forms if only is None else {f: None for s in only for f in encodings(s)}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, MASK)
        return text

    def scrub_long(self, text: str) -> str:
        """Mask in the engine's own text, where a short secret would hit plain words."""
        for form in sorted(self._forms, key=len, reverse=True):
            if len(form) >= ENCODED_FROM_CHARACTERS:
                text = text.replace(form, MASK)
        return text
