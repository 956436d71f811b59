"""The way to the registry that everybody is measured on: requests, bytes, round trips."""

import asyncio
import dataclasses
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Self

from tests.faults.proxy import Call, FaultProxy


@dataclass(frozen=True)
class Seen:
    """What one piece of work asked of the registry."""

    requests: int
    sent_bytes: int
    received_bytes: int
    trips: int


class Wire:
    """The proxy in a process of its own, so that it takes no time of whoever is measured."""

    def __init__(self, upstream: str, delay_s: float) -> None:
        self._command = [sys.executable, "-m", "bench.wire", upstream, str(delay_s)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, text=True, bufsize=1
        )
        self.port = int(self._answer())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    @property
    def address(self) -> str:
        """``host:port`` for clients."""
        return f"localhost:{self.port}"

    def take(self, share: float = 1.0) -> Seen:
        """Sum up what came since the last time, and forget it; extended from its share of all."""
        assert self._process.stdin is not None
        self._process.stdin.write("take\n")
        counts = json.loads(self._answer())
        return Seen(**{name: round(count / share) for name, count in counts.items()})

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class NotingProxy(FaultProxy):
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


def main() -> None:
    """Serve until standard input ends; each line of it is answered by what was seen."""
    with NotingProxy(sys.argv[1], float(sys.argv[2])) as proxy:
        print(proxy.port, flush=True)
        for _ in sys.stdin:
            print(json.dumps(dataclasses.asdict(proxy.take())), flush=True)


if __name__ == "__main__":
    main()
