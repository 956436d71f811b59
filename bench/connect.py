"""A new session in a process of its own, from nothing to the first answer; prints the seconds."""

import time

import anyio
import dagger

from ci.embedded.server import session


async def ask() -> None:
    """Connect, and ask for what costs nothing."""
    async with dagger.Connection() as client:
        await client.version()


def main() -> None:
    """Measure; what is imported is there already."""
    begun = time.perf_counter()
    with session():
        anyio.run(ask)
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main()
