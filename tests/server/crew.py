"""Cases that each need a stack, on several stacks at once: most of a deploy is waiting."""

import queue
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.server.driver import Stack

SIZE = 3
Results = dict[str, Future[None]]


def check_all(
    stacks: list[Stack], check: Callable[[Stack, str], None], cases: Iterable[str]
) -> Results:
    """Run `check` for each case, each on a stack that no other uses; how each ended."""
    free: queue.SimpleQueue[Stack] = queue.SimpleQueue()
    for stack in stacks:
        free.put(stack)

    def work(case: str) -> None:
        stack = free.get()
        try:
            check(stack, case)
        finally:
            free.put(stack)

    with ThreadPoolExecutor(len(stacks)) as pool:
        return {case: pool.submit(work, case) for case in cases}


def chosen(request: pytest.FixtureRequest, name: str) -> list[str]:
    """The cases of this module's tests, by the name of their parameter, that are to be run."""
    found = [
        item.callspec.params[name]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec") and name in item.callspec.params
    ]
    return list(dict.fromkeys(found))
