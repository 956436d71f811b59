"""Who does a piece of work that is measured."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.wire import Wire

Ready = Callable[[], Awaitable[None]]
Do = Callable[[], Awaitable[float | None]]


async def nothing() -> None:
    """Be ready."""


@dataclass
class Contender:
    """Who does a work; `ready` is not measured.

    Attributes:
        do: does it; one that is a process of its own says how many seconds it took, begun and all.
        wire: the way to the registry, where that is not the one of this delay.
        share: how much of the work it does; what was measured is extended to the whole of it.
    """

    work: str
    who: str
    delay_ms: int
    ready: Ready
    do: Do
    share: float = 1.0
    wire: Callable[[], Wire] | None = None
