"""Who does a piece of work that is measured."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.wire import Wire

Do = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Be ready."""


@dataclass
class Contender:
    """Who does a work; `ready` is not measured.

    Attributes:
        wire: the way to the registry, where that is not the one of this delay.
        share: how much of the work it does; what was measured is extended to the whole of it.
    """

    work: str
    who: str
    delay_ms: int
    ready: Do
    do: Do
    share: float = 1.0
    wire: Callable[[], Wire] | None = None
