"""One call to a server: the arguments, ci.toml and the world brought together for its stage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import dagger

from ci.access import Access, open_access
from ci.decisions.deploy_report import (
    Held,
    render_proof,
    render_recovered,
    render_standing,
    render_steps,
)
from ci.decisions.ledger import Entry
from ci.decisions.placement import Deployment, Server, choose_server, need_deployment
from ci.decisions.tags import parse_release_tag
from ci.decisions.target import check_asked, no_release, version_of
from ci.decisions.tree import Expected, judge_tree
from ci.deploy import Consent, Deployer, Release
from ci.engine import ENGINE_ERRORS, engine_error, on_engine
from ci.errors import PipelineError, State, TreeIncomplete, VerificationError, reached
from ci.host_access import open_host_access
from ci.oci.digest import Digest, parse_digest
from ci.oci.text import shown
from ci.ports import Registry
from ci.read import newest_release, read_tags, read_tree
from ci.recover import recover
from ci.remote import Remote
from ci.rollback import roll_back
from ci.run import Run
from ci.status import stand
from ci.transaction_errors import ComposeInvalid
from ci.verify import Wanted


@dataclass(frozen=True, slots=True)
class Place:
    """What a call says of the server: its name in ci.toml, our key, and the keys it may show."""

    host: str
    key: dagger.Secret = field(repr=False)
    known: dagger.File | None
    link: dagger.Service | None


@dataclass(frozen=True, slots=True)
class HostRun:
    """The stages that go to a server."""

    run: Run
    deployment: Deployment
    server: Server
    place: Place

    @classmethod
    def of(cls, run: Run, place: Place) -> "HostRun":
        """Find the server in ci.toml.

        Raises:
            SettingsInvalid: no [deploy], no such host, or several and none named.
        """
        deployment = need_deployment(run.settings.deploy)
        return cls(run, deployment, choose_server(run.settings.hosts, place.host), place)

    async def deploy(self, tag: str, digest: str, consent: Consent, *, plan: bool) -> str:
        """Deploy a release, or show what that would do."""
        check_asked(tag, digest)
        wanted = Wanted(parse_digest(digest) if digest else None)
        if tag:
            parse_release_tag(tag, self.run.settings.zone)
        return await self._deploy(tag, wanted, consent, plan=plan)

    @on_engine
    async def _deploy(self, tag: str, wanted: Wanted, consent: Consent, *, plan: bool) -> str:
        async with self._deployer() as (deployer, registry):
            find = partial(self._find, registry, tag, wanted)
            intent, _ = await deployer.prepare(find, consent)
            if plan:
                return render_steps(intent, self.run.form)
            return render_proof(await deployer.deploy(intent, consent), self.run.form)

    @on_engine
    async def rollback(self, tag: str) -> str:
        """Go back to a proven release."""
        if tag:
            parse_release_tag(tag, self.run.settings.zone)
        async with self._deployer() as (deployer, registry):
            proven = await roll_back(deployer, partial(self._read, registry), tag)
        return render_proof(proven, self.run.form)

    @on_engine
    async def recover(self) -> str:
        """Settle an interrupted run."""
        arguments, repository = self.run.arguments, self.run.settings.repository
        # The registry is not asked from here: the server may be settled without it.
        access = await open_access(repository, arguments.user, arguments.token, None)
        remote = await self._remote(access.plain_token)
        async with remote.opened():
            found = await recover(remote, self.server, self.deployment, access.credentials)
        facts, proven = found
        return render_recovered(self.server, facts, proven, self.run.form)

    @on_engine
    async def status(self) -> str:
        """Look at everything."""
        connect = partial(self._remote, "")
        found = await stand(self.server, self.deployment, connect, self._newest)
        return render_standing(found, self.run.form)

    async def release(self, tag: str, consent: Consent, *, dirty: bool, anyway: bool) -> str:
        """Publish, then deploy just what was published; run again it goes on where it stopped."""
        # A key that cannot be read is told before anything is built.
        await self._remote("")

        done = await self.run.publish(tag, dirty=dirty, anyway=anyway)
        self.run.world.progress.note(f"     published {self.run.render(tag, done)}")
        wanted = Wanted(done.digest, done.is_believed)
        return await self._deploy(tag, wanted, consent, plan=False)

    @asynccontextmanager
    async def _deployer(self) -> AsyncIterator[tuple[Deployer, Registry]]:
        compose = await self._compose()
        async with self.run.registry(can_push=False) as (access, registry):
            remote = await self._remote(access.plain_token)
            async with remote.opened():
                yield self._deployer_of(compose, access, remote), registry

    def _deployer_of(self, compose: bytes, access: Access, remote: Remote) -> Deployer:
        return Deployer(self.server, self.deployment, compose, access.credentials, remote)

    async def _remote(self, token: str) -> Remote:
        place, world = self.place, self.run.world
        source = self.run.arguments.source
        access = await open_host_access(self.server, place.key, place.known, place.link, source)
        return Remote(
            partial(world.connect_host, access),
            self.server.address.directory,
            world.script(),
            (token,),
            world.clock,
            world.progress,
        )

    async def _compose(self) -> bytes:
        name = self.deployment.compose
        try:
            return (await self.run.arguments.source.file(name).contents()).encode()
        except ENGINE_ERRORS as error:
            raise engine_error(error, lambda _: _no_compose(name)) from error

    async def _find(self, registry: Registry, tag: str, wanted: Wanted) -> Release:
        """Verify what is to be deployed: a tag with everything it stands for, or a digest."""
        settings = self.run.settings
        if tag:
            release_tag = parse_release_tag(tag, settings.zone)
            found = await self.run.verified(registry, release_tag, wanted)
            return Release(settings.repository, tag, found.tree)
        assert wanted.digest, "check_asked lets neither pass"
        with reached(State.S3):
            return await self._of_digest(registry, wanted.digest)

    async def _of_digest(self, registry: Registry, digest: Digest, name: str = "") -> Release:
        settings = self.run.settings
        document = await registry.manifest(digest)
        if document is None:
            raise TreeIncomplete(
                f"the registry has no {digest}", remedy="publish it, or name another release"
            )
        tree = await read_tree(registry, document)
        version = name or version_of(tree)
        try:
            parse_release_tag(version, settings.zone)
        except PipelineError as error:
            raise no_release(digest, version) from error
        judge_tree(tree, Expected((), version))
        return Release(settings.repository, version, tree)

    async def _read(self, registry: Registry, entry: Entry) -> Release | None:
        if entry.reference != f"{self.run.settings.repository}@{entry.digest}":
            return None
        try:
            return await self._of_digest(registry, entry.digest, entry.tag)
        except VerificationError as error:
            self.run.world.progress.note(f"     {error.code}: {error.cause}")
            return None

    async def _newest(self) -> Held | None:
        async with self.run.registry(can_push=False) as (_, registry):
            seen = await read_tags(registry)
            found = await newest_release(registry, seen, self.run.settings.zone)
        return Held(str(found[0]), str(found[1].digest)) if found else None


def _no_compose(name: str) -> ComposeInvalid:
    return ComposeInvalid(
        f"the source has no {shown(name)}", remedy="correct [deploy] compose in ci.toml"
    )
