"""A value that is made on first use, once, however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """Awaiting it runs `make` at most once; a failure is remembered as well."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._task: asyncio.Future[T] | None = None

    def __await__(self) -> Generator[Any, None, T]:
        if self._task is None:
            self._task = asyncio.ensure_future(self._make())
        # One waiter that is cancelled must not take the value from the others.
        return asyncio.shield(self._task).__await__()

    @classmethod
    def of(cls, value: T) -> Lazy[T]:
        """A value that is already there."""

        async def make() -> T:
            return value

        return cls(make)
