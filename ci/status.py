"""Status: what the registry, the server and its ledger say, each as far as it can be reached."""

from collections.abc import Awaitable, Callable

from ci.decisions.deploy_report import Held, Standing
from ci.decisions.placement import Deployment, Server
from ci.decisions.server_facts import Facts
from ci.decisions.standing import judge_standing
from ci.errors import PipelineError
from ci.remote import Remote


async def stand(
    server: Server,
    deployment: Deployment,
    connect: Callable[[], Awaitable[Remote]],
    read: Callable[[], Awaitable[Held | None]],
) -> Standing:
    """Look at everything; what cannot be reached is said, not raised."""
    facts, facts_trouble = await _facts(deployment, connect)
    newest, registry_trouble = await _newest(read)
    verdict = judge_standing(facts, newest)
    return Standing(server, facts, facts_trouble, newest, registry_trouble, verdict)


async def _facts(
    deployment: Deployment, connect: Callable[[], Awaitable[Remote]]
) -> tuple[Facts | None, str]:
    try:
        async with (await connect()).opened() as remote:
            facts = await remote.look(deployment)
    except PipelineError as error:
        return None, _told(error)
    code, seen, _ = facts.trouble or ("", "", "")
    return facts, f"{code}: {seen}" if code else ""


async def _newest(read: Callable[[], Awaitable[Held | None]]) -> tuple[Held | None, str]:
    try:
        return await read(), ""
    except PipelineError as error:
        return None, _told(error)


def _told(error: PipelineError) -> str:
    return f"{error.code}: {error.cause}"
