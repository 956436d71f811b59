"""What may be asked again, how often, and after which wait (FAILURES.md 2.1)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

TRANSIENT_STATUSES = frozenset({408, 425, 500, 502, 503, 504})
SECONDARY_LIMIT_WAIT_S = 60.0
_PART_UNKNOWN = ("blob_unknown", "manifest_unknown", "unknown blob")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_PART = r"[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h)"
_BODY_WAIT = re.compile(rf"retry-after: ((?:{_GO_PART})+)", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")


class Retry(Enum):
    """Whether a failed request can heal."""

    NEVER = "never"
    TRANSIENT = "transient"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much patience there is."""

    tries: int = 5
    first_s: float = 0.5
    cap_s: float = 8.0
    transient_s: float = 90.0
    throttled_s: float = 300.0

    def backoff_s(self, attempt: int, jitter: float) -> float:
        """Full jitter: anything from nothing to the doubled wait.

        Args:
            attempt: how many tries have failed, from 1.
            jitter: 0 to 1.
        """
        return min(self.cap_s, self.first_s * 2.0 ** (attempt - 1)) * jitter

    def next_wait_s(
        self, kind: Retry, *, attempt: int, spent_s: float, asked_s: float, jitter: float
    ) -> float | None:
        """Say how long to wait before the next try; None when it is time to give up."""
        if kind is Retry.NEVER:
            return None
        if kind is Retry.THROTTLED:
            wait, total = max(1.0, asked_s), self.throttled_s
        else:
            wait, total = max(asked_s, self.backoff_s(attempt, jitter)), self.transient_s
            if attempt >= self.tries:
                return None
        return wait if spent_s + wait <= total else None


def classify(status: int, body: str, *, is_write: bool = False) -> Retry:
    """Sort an answer; a 403 that speaks of a rate limit is no denial."""
    if status == 429 or (status == 403 and "rate limit" in body.lower()):
        return Retry.THROTTLED
    heals = status in TRANSIENT_STATUSES or (is_write and lacks_part(status, body))
    return Retry.TRANSIENT if heals else Retry.NEVER


def lacks_part(status: int, body: str) -> bool:
    """Whether a write was refused because something it needs is not there, or not there yet."""
    return status in (400, 404) and any(phrase in body.lower() for phrase in _PART_UNKNOWN)


def asked_wait_s(header: str, body: str, now: datetime) -> float:
    """Read how long the registry asks us to wait: seconds, a date, or a Go duration in the body."""
    waits = [0.0]
    if re.fullmatch(r"[0-9]{1,9}", header, re.ASCII):
        waits.append(float(header))
    elif header:
        waits.append(_until(header, now))
    if found := _BODY_WAIT.search(body):
        waits.append(sum(float(n) * _UNITS_S[unit] for n, unit in _PART.findall(found[1])))
    if "secondary rate limit" in body.lower():
        waits.append(SECONDARY_LIMIT_WAIT_S)
    return max(waits)


def _until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return max(0.0, (moment.astimezone(UTC) - now).total_seconds())
