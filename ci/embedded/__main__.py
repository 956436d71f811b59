"""``python -m ci.embedded``: `functions` and `call`, and `session` as the client starts it."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading


def main(argv: list[str]) -> int:
    """Run one verb; returns the exit code."""
    if argv[:1] == ["session"]:
        return _on_a_deep_stack(_session)
    # What is imported stays: looking through it for garbage takes a quarter of a short call.
    gc.disable()
    from ci.embedded import cli

    code = int(cli.main(argv))
    gc.freeze()
    return code


def _on_a_deep_stack(run: object) -> int:
    from ci.embedded.server import STACK_BYTES

    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=lambda: asyncio.run(_session()))
    thread.start()
    thread.join()
    return 0


async def _session() -> None:
    """Serve until standard input ends, as `dagger session` does."""
    from ci.embedded.server import serve

    async with serve() as (port, token):
        print(json.dumps({"port": port, "session_token": token}), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
