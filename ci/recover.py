"""Recover: end an interrupted run in the old or the new release, proven."""

from ci.decisions.credentials import Credentials
from ci.decisions.outcome import error_of_run
from ci.decisions.placement import Deployment, Server
from ci.decisions.plan import plan_recovery
from ci.decisions.server_facts import Facts
from ci.remote import Remote
from ci.transaction import Order, new_nonce, run_order


async def recover(
    remote: Remote, server: Server, deployment: Deployment, credentials: Credentials | None
) -> tuple[Facts, str]:
    """Settle what an earlier run left; the server as it is then, and the id of what was proven.

    Args:
        credentials: for the registry, where the release to bring back has to be pulled again.
    Raises:
        PipelineError: nothing is proven to run.
    """
    with remote.progress.step(f"recover {server.name}"):
        plan = plan_recovery(new_nonce(), remote.directory)
        ended = await run_order(remote, Order(plan, None, credentials))
        last = ended.settled or ended.transcript
        if last.exit_class:
            raise error_of_run(last)
    proof = last.last("proof").split(" ")
    return await remote.look(deployment), proof[1] if len(proof) > 1 else ""
