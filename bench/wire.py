"""The way to the registry that everybody is measured on: requests, bytes, round trips."""

import asyncio
import time
from dataclasses import dataclass

from tests.faults.proxy import Call, FaultProxy


@dataclass(frozen=True)
class Seen:
    """What one piece of work asked of the registry."""

    requests: int
    sent_bytes: int
    received_bytes: int
    trips: int


class Wire(FaultProxy):
    """The proxy in pass-through, which notes when each request came and was answered.

    `delay_s` is added to each request once: the round trip to a registry that is far away.
    """

    def __init__(self, upstream: str, delay_s: float) -> None:
        super().__init__(upstream)
        self.spans: list[tuple[float, float]] = []
        self._delay_s = delay_s
        self.always("[A-Z]+", "", self._pass)

    async def _pass(self, call: Call) -> None:
        begun = time.monotonic()
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        await call.pass_on()
        self.spans.append((begun, time.monotonic()))

    def take(self) -> Seen:
        """Sum up what came since the last time, and forget it."""
        sent = sum(each.request_bytes for each in self.log)
        received = sum(each.response_bytes for each in self.log)
        found = Seen(len(self.log), sent, received, sequential(self.spans))
        self.log.clear()
        self.spans.clear()
        return found


def sequential(spans: list[tuple[float, float]]) -> int:
    """Count the longest row of requests of which none began before the one before it had ended."""
    count, free = 0, float("-inf")
    for begun, ended in sorted(spans, key=lambda span: span[1]):
        if begun >= free:
            count, free = count + 1, ended
    return count
