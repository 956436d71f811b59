"""Requests at a fixed pace, sent whether or not the ones before were answered, and what came back.

A client that waits for its answer before it asks again asks less while a service is down, and so
counts too few lost requests; this one does not.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PER_S = 100
LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: seconds on the monotonic clock, HTTP status (0 for none) and body."""

    sent_s: float
    took_s: float
    status: int
    body: str

    @property
    def is_good(self) -> bool:
        """Whether the service did what was asked; an answer that was cut off has no body."""
        return self.status == 200 and self.body != ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a stretch of requests shows.

    `gap_s` is the longest time in which no request that was sent was answered well; `slowest_s`
    the longest that a good answer took.
    """

    sent: int
    lost: int
    gap_s: float
    slowest_s: float


def figures(answers: Sequence[Answer]) -> Figures:
    """Count what was lost and for how long."""
    good = [each for each in answers if each.is_good]
    lost = len(answers) - len(good)
    return Figures(
        len(answers),
        lost,
        _longest_gap_s(answers) if lost else 0.0,
        max((each.took_s for each in good), default=0.0),
    )


def _longest_gap_s(answers: Sequence[Answer]) -> float:
    longest = 0.0
    begun = None
    for each in sorted(answers, key=lambda answer: answer.sent_s):
        if each.is_good:
            if begun is not None:
                longest = max(longest, each.sent_s - begun)
            begun = None
        elif begun is None:
            begun = each.sent_s
    last = max(each.sent_s for each in answers)
    return longest if begun is None else max(longest, last - begun)


class Load:
    """Asks `http://host:port/path` as long as the block lasts; `answers` are whole after it."""

    def __init__(
        self,
        host: str,
        port: int,
        path: str = "/",
        *,
        per_s: int = PER_S,
        limit_s: float = LIMIT_S,
    ) -> None:
        self.answers: list[Answer] = []
        self._where = (host, port)
        self._request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()
        self._pause_s = 1 / per_s
        self._limit_s = limit_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask_on()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    async def _ask_on(self) -> None:
        begun, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not self._ended.is_set():
                group.create_task(self._ask())
                number += 1
                await asyncio.sleep(begun + number * self._pause_s - time.monotonic())

    async def _ask(self) -> None:
        sent_s = time.monotonic()
        try:
            async with asyncio.timeout(self._limit_s):
                status, body = await self._exchange()
        except (OSError, ValueError, IndexError, TimeoutError):
            status, body = 0, ""
        self.answers.append(Answer(sent_s, time.monotonic() - sent_s, status, body))

    async def _exchange(self) -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(*self._where)
        try:
            writer.write(self._request)
            raw = await reader.read()
        finally:
            writer.close()
        head, _, body = raw.decode(errors="replace").partition("\r\n\r\n")
        return int(head.split(" ", 2)[1]), body
