"""One call: the arguments, the settings and the world brought together for a stage."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import dagger
from dagger import dag

from ci.access import Access, open_access
from ci.build import Sources, image_of, read_sources, resolve_base, run_build
from ci.check import Checker
from ci.decisions.credentials import check_token_given
from ci.decisions.publication import Release
from ci.decisions.report import Format, parse_format, render_published, render_verified
from ci.decisions.tags import ReleaseTag, mint_tag, parse_release_tag
from ci.decisions.tree import Expected
from ci.engine import ENGINE_ERRORS, engine_error, on_engine
from ci.errors import ContextInvalid, State, reached
from ci.history import find_history, history_of
from ci.oci.digest import Digest, parse_digest
from ci.oci.platform import Platform, parse_platform
from ci.oci.reference import Reference, Repository, Tag
from ci.ports import Clock, Connect, ConnectHost, Files, Prober, Progress, Registry
from ci.publish import Published, Publisher
from ci.push import push_images
from ci.settings import Settings, parse_settings
from ci.together import together
from ci.verify import Verified, Wanted, verify_release

SETTINGS_FILE = "ci.toml"


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside."""

    clock: Clock
    progress: Progress
    files: Files
    prober: Prober
    connect: Connect
    connect_host: ConnectHost
    script: Callable[[], bytes]


class Arguments(Protocol):
    """What the constructor was called with."""

    source: dagger.Directory
    repo: dagger.GitRepository | None
    image: str
    user: str
    token: dagger.Secret | None
    via: dagger.Service | None
    format: str


@dataclass(frozen=True, slots=True)
class Run:
    """The stages, with everything they need."""

    arguments: Arguments
    settings: Settings
    form: Format
    world: World

    @classmethod
    async def of(cls, arguments: Arguments, world: World) -> "Run":
        """Read the settings.

        Raises:
            SettingsInvalid: what is wrong in ci.toml and the flags.
        """
        form = parse_format(arguments.format)
        try:
            text = await arguments.source.file(SETTINGS_FILE).contents()
        except ENGINE_ERRORS as error:
            raise engine_error(error, _no_settings) from error
        settings = parse_settings(text, image=arguments.image)
        for note in settings.notes:
            world.progress.note(f"     {note}")
        return cls(arguments, settings, form, world)

    def tag(self) -> str:
        """Mint a release tag."""
        return str(mint_tag(self.world.clock.now(), self.settings.zone))

    @on_engine
    async def build(self, platform: str) -> dagger.Container:
        """Build one platform's image, which is no release."""
        wanted = parse_platform(platform) if platform else await self._own_platform()
        sources = await self._sources()
        with reached(State.LO):
            image = await image_of(sources, wanted, None, await resolve_base(sources))
            with self.world.progress.step(f"build {wanted}"):
                await run_build(image, f"the build for {wanted}")
        return image

    @on_engine
    async def check(self) -> str:
        """Check this machine's image."""
        platform = await self._own_platform()
        sources = await self._sources()
        with reached(State.LO):
            image = await image_of(sources, platform, None, await resolve_base(sources))
            return await self._checker().check(sources, image, platform)

    @on_engine
    async def publish(self, tag: str, *, dirty: bool, anyway: bool) -> Published:
        """Publish the sources as a release."""
        release_tag = parse_release_tag(tag, self.settings.zone)
        has_token = self.arguments.token is not None
        check_token_given(self.settings.repository, has_token=has_token)
        sources = await self._sources()
        if not dirty:
            sources.require_committed()
        if not anyway:
            sources.require_commit_of(release_tag, await self._revision_of(release_tag))
        platforms = self.settings.build.platforms
        release = Release(release_tag, sources.fingerprint, platforms, self.settings.zone)
        async with self.registry(can_push=True) as (access, registry):
            publisher = Publisher(release, registry, self.world.clock, self.world.progress)
            make = partial(self._make, sources, release_tag, access, registry)
            return await publisher.publish(make)

    def render(self, tag: str, done: Published) -> str:
        """Write what a publication ended in."""
        reference = Reference(self.settings.repository, Tag(tag), done.digest)
        return render_published(reference, str(done.latest), done.step.name.lower(), self.form)

    @on_engine
    async def verify(self, tag: str, digest: str) -> str:
        """Verify a published release."""
        release_tag = parse_release_tag(tag, self.settings.zone)
        wanted = Wanted(parse_digest(digest) if digest else None)
        async with self.registry(can_push=False) as (_, registry):
            found = await self.verified(registry, release_tag, wanted)
        reference = Reference(self.settings.repository, release_tag.tag, found.tree.digest)
        return render_verified(reference, found.tree, found.revision, str(found.newest), self.form)

    async def verified(self, registry: Registry, tag: ReleaseTag, wanted: Wanted) -> Verified:
        """Read a release whole and hold it against everything that is known of it."""
        revision = await self._revision_of(tag)
        return await verify_release(
            registry,
            tag,
            Expected(self.settings.build.platforms, str(tag), revision=revision),
            wanted=wanted,
            zone=self.settings.zone,
            clock=self.world.clock,
        )

    @on_engine
    async def _make(
        self, sources: Sources, tag: ReleaseTag, access: Access, registry: Registry
    ) -> Digest:
        """Check, build every platform, push under `unverified`."""
        base = await resolve_base(sources)
        platforms = self.settings.build.platforms
        images = {on: await image_of(sources, on, tag, base) for on in platforms}
        own = await self._own_platform()
        seen = await self._checker().check(sources, images[own], own)
        self.world.progress.note(f"     {seen}")
        builds = [partial(self._build_one, image, on) for on, image in images.items() if on != own]
        await together(builds, at_once=len(platforms))
        with self.world.progress.step("push"):
            return await push_images(list(images.values()), access, registry)

    async def _build_one(self, image: dagger.Container, platform: Platform) -> None:
        with self.world.progress.step(f"build {platform}"):
            await run_build(image, f"the build for {platform}")

    async def _own_platform(self) -> Platform:
        """Choose what runs here without emulation, else the first platform that is released."""
        own = parse_platform(await dag.container().platform())
        platforms = self.settings.build.platforms
        return own if own in platforms else platforms[0]

    async def _revision_of(self, tag: ReleaseTag) -> str:
        """Ask git which commit the tag names; "" where no git has such a tag."""
        history = await find_history(self.arguments.source, self.arguments.repo)
        if history is None:
            return ""
        names = await history.tags(patterns=[str(tag)])
        if str(tag) not in [name.removeprefix("refs/tags/") for name in names]:
            return ""
        return await history.tag(str(tag)).commit()

    async def _sources(self) -> Sources:
        sources = await read_sources(
            self.arguments.source,
            await history_of(self.arguments.source, self.arguments.repo),
            self.settings.build,
            files=self.world.files,
            url=self.settings.source,
        )
        if sources.note:
            self.world.progress.note(f"     {sources.note}")
        return sources

    def _checker(self) -> Checker:
        world = self.world
        return Checker(self.settings.check, world.prober, world.clock, world.progress)

    def registry(self, *, can_push: bool) -> AbstractAsyncContextManager[tuple[Access, Registry]]:
        """Open the registry for the length of a stage."""
        return open_repository(
            self.arguments, self.world, self.settings.repository, can_push=can_push
        )


@asynccontextmanager
async def open_repository(
    arguments: Arguments, world: World, repository: Repository, *, can_push: bool = False
) -> AsyncIterator[tuple[Access, Registry]]:
    """Open a repository with the call's credentials, by the way that the call names."""
    access = await open_access(repository, arguments.user, arguments.token, arguments.via)
    async with world.connect(
        repository,
        access.credentials,
        clock=world.clock,
        progress=world.progress,
        endpoint=access.endpoint,
        can_push=can_push,
    ) as registry:
        yield access, registry


def _no_settings(_: str) -> ContextInvalid:
    return ContextInvalid(
        f"there is no {SETTINGS_FILE} at the source's root",
        remedy="run at the repository's root, or pass --source",
    )
