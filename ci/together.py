"""Doing several things at once, and failing with the first real error instead of a group."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

import anyio

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


async def together(jobs: Sequence[Callable[[], Awaitable[T]]], *, at_once: int) -> list[T]:
    """Run jobs side by side.

    Args:
        at_once: how many may run at the same time.
    Returns:
        their results, in the order of the jobs.
    """
    results: dict[int, T] = {}
    failures: list[Exception] = []
    limit = anyio.CapacityLimiter(at_once)

    async with anyio.create_task_group() as tasks:

        async def run(at: int, job: Callable[[], Awaitable[T]]) -> None:
            try:
                async with limit:
                    results[at] = await job()
            except Exception as error:  # raised again below, by itself
                failures.append(error)
                tasks.cancel_scope.cancel()

        for at, job in enumerate(jobs):
            tasks.start_soon(run, at, job)
    if failures:
        raise failures[0]
    return [results[at] for at in range(len(jobs))]


async def both(one: Callable[[], Awaitable[A]], other: Callable[[], Awaitable[B]]) -> tuple[A, B]:
    """Run two jobs side by side."""
    jobs: list[Callable[[], Awaitable[object]]] = [one, other]
    first, second = await together(jobs, at_once=2)
    return cast("A", first), cast("B", second)
