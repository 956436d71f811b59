"""When a registry is asked again, and after which wait."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

ATTEMPTS = 5
LONGEST_WAIT_S = 300.0
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
# GitHub's registry tells its limits in words, and how long to wait in a Go duration among them.
_LIMIT = "rate limit"
_LIMIT_WAIT_S = 60.0
_LACKS = ("blob_unknown", "manifest_unknown", "unknown blob")
_DURATION = re.compile(r"retry-after: ((?:[0-9.]+(?:ns|us|µs|ms|s|m|h))+)", re.IGNORECASE)
_PART = re.compile(r"([0-9.]+)(ns|us|µs|ms|s|m|h)")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def wait_s(response: httpx.Response, attempt: int) -> float | None:
    """Seconds until asking again can help; None when it cannot. The body must have been read."""
    text = response.text.lower()
    is_limit = response.status_code == 403 and _LIMIT in text
    is_write = response.request.method not in ("GET", "HEAD")
    # What was pushed a moment ago may not be known everywhere in a large registry.
    lacks = is_write and response.status_code in (400, 404) and any(w in text for w in _LACKS)
    if response.status_code not in _TRANSIENT and not is_limit and not lacks:
        return None
    asked = max(_asked_s(response), _LIMIT_WAIT_S if is_limit else 0.0)
    return max(asked, backoff_s(attempt)) if asked <= LONGEST_WAIT_S else None


def backoff_s(attempt: int) -> float:
    """Full jitter: anything up to the doubled wait."""
    return random.uniform(0, min(8.0, 0.5 * 2**attempt))  # noqa: S311 - jitter


def _asked_s(response: httpx.Response) -> float:
    """What the registry asks for: seconds, a date, or a duration in the body."""
    header = response.headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", header, re.ASCII):
        return float(header)
    try:
        if header:
            return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
        found = _DURATION.search(response.text)
        return sum(
            float(n) * _UNITS_S[unit] for n, unit in _PART.findall(found[1] if found else "")
        )
    except (ValueError, TypeError):
        return 0.0
