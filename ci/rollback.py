"""Rollback: a release that was proven on the server, by its own plan and compose file, again."""

from collections.abc import Awaitable, Callable

from ci.decisions.deploy_report import Proven
from ci.decisions.drift import can_return, kept_path
from ci.decisions.ledger import Entry, choose_rollback
from ci.decisions.plan import Plan, Target, parse_plan, plan_again
from ci.decisions.server_facts import Facts
from ci.decisions.target import target_of
from ci.deploy import Deployer, Release, platform_of
from ci.errors import State, UnavailableError, reached
from ci.oci.digest import parse_digest
from ci.oci.reference import parse_repository
from ci.transaction import Order, new_nonce
from ci.transaction_errors import NoRollbackTarget

Read = Callable[[Entry], Awaitable[Release | None]]


async def roll_back(deployer: Deployer, read: Read, tag: str) -> Proven:
    """Bring a release of the ledger back, prove it.

    Args:
        read: reads a release from the registry by its digest; None where it is not there.
        tag: of the release; "" for the last proven one before the running one.
    Raises:
        NoRollbackTarget: there is none, or it is gone.
        PipelineError: as the server said it.
    """
    progress = deployer.remote.progress
    with progress.step(f"look at {deployer.server.name}"):
        facts = await deployer.look()
    with reached(State.S3):
        entry = choose_rollback(facts.ledger, facts.running, tag)
        recorded = await _recorded(deployer, facts, entry)
        target = await _target(deployer, read, entry, recorded, facts)
    plan = plan_again(recorded, new_nonce(), deployer.deployment)
    with progress.step(f"roll back to {entry.tag} on {deployer.server.name}"):
        return await deployer.finish(Order(plan, None, deployer.credentials), target, facts)


async def _recorded(deployer: Deployer, facts: Facts, entry: Entry) -> Plan:
    """Read the plan by which the release was proven."""
    raw = await deployer.remote.read(f".ci/plans/{entry.id}")
    if raw is None or not can_return(entry, facts):
        what = "plan" if raw is None else f"compose file {kept_path(entry.compose)}"
        raise NoRollbackTarget(
            f"the {what} of {entry.tag} is not on the server as it was",
            remedy=f"deploy it anew: ./daggerw call deploy --older --tag {entry.tag}",
        )
    return parse_plan(raw)


async def _target(
    deployer: Deployer, read: Read, entry: Entry, recorded: Plan, facts: Facts
) -> Target:
    """Name the image by the registry; where that cannot answer, by what was proven before."""
    platform = platform_of(facts)
    try:
        release = await read(entry)
    except UnavailableError as error:
        deployer.remote.progress.note(f"     the registry cannot be asked: {error.cause}")
        deployer.remote.progress.note("     going by the digests of the release's own proof")
        return _recorded_target(recorded, entry, facts)
    if release is None:
        deployer.remote.progress.note(f"     {entry.digest} is not in the registry any more")
        return _recorded_target(recorded, entry, facts)
    return target_of(release.repository, entry.tag, release.tree, platform)


def _recorded_target(recorded: Plan, entry: Entry, facts: Facts) -> Target:
    if str(entry.digest) not in facts.images:
        raise NoRollbackTarget(
            f"{entry.reference} is neither in the registry nor on the server",
            remedy="let the registry answer, or go back further with --tag",
        )
    return Target(
        parse_repository(entry.reference.partition("@")[0]),
        entry.tag,
        entry.digest,
        parse_digest(recorded.get("manifest")),
        parse_digest(recorded.get("config")),
        platform_of(facts),
        0,
    )
