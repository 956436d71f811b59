"""Release: publish, verify, deploy, prove; each stage only where the one before it is done."""

from collections.abc import Awaitable, Callable

from ci.ports import Progress


async def release(
    publish: Callable[[], Awaitable[str]], deploy: Callable[[], Awaitable[str]], progress: Progress
) -> str:
    """Publish, then deploy; run again it goes on where it stopped.

    A release that is published is only confirmed, and the deploy verifies it before it begins.

    Raises:
        PipelineError: of the stage that failed.
    """
    progress.note(f"     published {await publish()}")
    return await deploy()
