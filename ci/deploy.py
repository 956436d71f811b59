"""Deploy: a verified release onto a server, by digest, and the proof that it runs there."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

from ci.decisions.compose import Stack, judge_stack
from ci.decisions.credentials import Credentials
from ci.decisions.deploy_report import Intent, Proven, running_name
from ci.decisions.drift import COMPOSE_NAMES, find_drift, refuse_drift, render_diff
from ci.decisions.ledger import check_order
from ci.decisions.outcome import error_of_look, error_of_run
from ci.decisions.placement import Deployment, Server
from ci.decisions.plan import Plan, Target, plan_deploy
from ci.decisions.proof import Proof, judge_containers
from ci.decisions.server_facts import Facts
from ci.decisions.target import choose_image, target_of
from ci.decisions.tree import Tree
from ci.errors import Now, PipelineError, State, reached
from ci.oci.digest import digest_of
from ci.oci.platform import Platform
from ci.oci.reference import Repository
from ci.remote import Remote
from ci.together import both
from ci.transaction import Ended, Order, new_nonce, run_order
from ci.transaction_errors import RunKilled


@dataclass(frozen=True, slots=True)
class Release:
    """A release that the registry was seen to hold, whole."""

    repository: Repository
    tag: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller asks for that is not done unasked."""

    adopt: bool = False
    replace: bool = False
    older: bool = False
    no_way_back: bool = False

    def words(self) -> dict[str, str]:
        """The same for the server, which asks again under its lock."""
        asked = {
            "adopt": self.adopt,
            "downgrade": self.older,
            "accept_no_rollback": self.no_way_back,
        }
        return {key: "yes" if is_wanted else "no" for key, is_wanted in asked.items()}


@dataclass(frozen=True, slots=True)
class Deployer:
    """Deploys one service to one server."""

    server: Server
    deployment: Deployment
    compose: bytes
    credentials: Credentials | None
    remote: Remote

    async def prepare(
        self, find: Callable[[], Awaitable[Release]], consent: Consent
    ) -> tuple[Intent, Facts]:
        """Find out everything that can be known before anything is changed.

        Raises:
            PipelineError: why this release cannot be deployed there now.
        """
        with self.remote.progress.step(f"look at {self.server.name} and the release"):
            facts, release = await both(self.look, find)
        with reached(State.S3):
            target = target_of(release.repository, release.tag, release.tree, platform_of(facts))
            if not consent.older:
                check_order(facts.ledger, facts.running, release.tag)
            stack = await self._judge(release.tree, target)
            await self._show_drift(facts, consent)
        nonce, directory = new_nonce(), self.remote.directory
        compose = digest_of(self.compose)
        plan = plan_deploy(nonce, directory, target, compose, self.deployment)
        plan = with_stack(plan.with_words(**consent.words()), stack)
        return Intent(self.server, self.deployment, target, stack, facts, plan), facts

    async def deploy(self, intent: Intent, consent: Consent) -> Proven:
        """Run the transaction and see the result with our own eyes.

        Raises:
            PipelineError: as the server said it, with what is true there now.
        """
        with self.remote.progress.step(f"deploy {intent.target.tag} to {self.server.name}"):
            order = Order(intent.plan, self.compose, self.credentials)
            proven = await self.finish(order, intent.target, intent.facts)
        if consent.replace:
            await self._replace(intent.facts)
        return proven

    async def look(self) -> Facts:
        """Look at the server; one whose Docker does not answer is an error."""
        facts = await self.remote.look(self.deployment)
        if facts.trouble:
            raise error_of_look(facts.trouble)
        return facts

    async def finish(self, order: Order, target: Target, before: Facts) -> Proven:
        """Run an order to its end and prove what runs then."""
        ended = await run_order(self.remote, order)
        error = _failure(ended, target)
        if error:
            await self._show_stack()
            raise error
        facts = await self.look()
        with reached(State.S8):
            proof = judge_containers(facts.service, self.deployment.service, target)
            also = tuple(self._also(facts, target))
        same = proof.container.id in [each.id for each in before.service]
        name = running_name(before)
        return Proven(self.server, self.deployment.service, target, proof, name, same, also)

    def _also(self, facts: Facts, target: Target) -> Iterator[tuple[str, Proof]]:
        for name in self.deployment.also:
            found = [each for of, each in facts.also if of == name]
            yield name, judge_containers(found, name, target)

    async def _judge(self, tree: Tree, target: Target) -> Stack:
        image = choose_image(tree, target.platform)
        has_healthcheck = bool(image.config and image.config.has_healthcheck)
        services = await self.remote.render(self.compose, self.deployment, target.reference)
        return judge_stack(
            services, self.deployment, target.reference, has_healthcheck=has_healthcheck
        )

    async def _show_drift(self, facts: Facts, consent: Consent) -> None:
        found = find_drift(facts, digest_of(self.compose))
        ours = self.compose.decode("utf-8", "replace")
        for drift in found:
            theirs = (await self.remote.read(drift.path) or b"").decode("utf-8", "replace")
            for line in render_diff(theirs, ours, drift, self.deployment.compose):
                self.remote.progress.note(f"     {self.remote.masked(line)}")
        if not consent.replace:
            refuse_drift(found)

    async def _replace(self, facts: Facts) -> None:
        """Put the deployed compose file where another one lay."""
        for name in COMPOSE_NAMES:
            if facts.beside.get(name, digest_of(self.compose)) != digest_of(self.compose):
                old = await self.remote.read(name)
                if old is not None:
                    await self.remote.upload(f".ci/replaced/{digest_of(old).hex}.yaml", old)
                await self.remote.upload(name, self.compose)
                self.remote.progress.note(f"     {name} is now the deployed one")

    async def _show_stack(self) -> None:
        """Say what stands there after a failure; its own failure must not hide the first one."""
        try:
            facts = await self.remote.look(self.deployment)
        except PipelineError as error:
            self.remote.progress.note(f"     the stack cannot be seen: {error.cause}")
            return
        for text in facts.containers:
            self.remote.progress.note(f"     stands  {self.remote.masked(text)}")


def with_stack(plan: Plan, stack: Stack) -> Plan:
    """Name what is started first, and whose ports must be free."""
    words = [*(("dependency", name) for name in stack.dependencies)]
    words += [("published", str(port)) for port in stack.published]
    return replace(plan, words=(*plan.words, *words))


def platform_of(facts: Facts) -> Platform:
    """Insist on a server that says what it is."""
    if facts.platform is None:
        raise error_of_look(("DockerDown", "its Docker does not say its platform", "docker info"))
    return facts.platform


def _failure(ended: Ended, target: Target) -> PipelineError | None:
    """Say how a run failed; None where the release was proven, be it by the recovery."""
    if ended.settled is None:
        return error_of_run(ended.transcript) if ended.transcript.exit_class else None
    proof = ended.settled.last("proof")
    if f" reference {target.reference} " in f"{proof} ":
        return None
    state = ended.transcript.last("state") or "its start"
    now = Now("S5", f"recovered: {proof}") if proof else Now("S8", "no release runs there")
    error = RunKilled(
        f'the run was killed on the server at "{state}"', remedy="run the same again", state=now
    )
    error.exit_class = 10 if proof else 11
    return error
