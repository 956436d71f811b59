"""Publish: a tag is put only on what was pushed, read back and verified; then latest follows.

Whatever a killed run leaves behind is found again by the next run of the same call: the image under
`unverified` says by its labels what it is, and a tag that is there already is only confirmed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from ci.decisions.publication import Held, Release, Step, plan_publication
from ci.decisions.render import render_size
from ci.decisions.report import short
from ci.decisions.tags import UNVERIFIED, ReleaseTag, check_time
from ci.decisions.tree import Tree, judge_tree
from ci.errors import RegistryUnavailable, State, VerificationError, reached
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.ports import Clock, Progress, Registry
from ci.read import ReleaseSeen, TagsSeen, held_by, read_release, read_tags, read_tree
from ci.tagging import AGAIN, LAG_S, Tagger
from ci.together import both
from ci.verify import AGREEMENT_S


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication ended in."""

    digest: Digest
    step: Step
    latest: ReleaseTag

    @property
    def is_believed(self) -> bool:
        """Whether the tag was seen twice, a second apart; what is only confirmed was seen once."""
        return self.step is not Step.CONFIRM


@dataclass(frozen=True, slots=True)
class _Found:
    """What the registry held at first: the tag with the others, or what is unverified."""

    at_tag: ReleaseSeen | None
    tags: TagsSeen | None
    at_unverified: Held | None


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes one release to one repository."""

    release: Release
    registry: Registry
    clock: Clock
    progress: Progress

    async def publish(self, make: Callable[[], Awaitable[Digest]]) -> Published:
        """Bring the registry to where the release's tag and `latest` are verified.

        Args:
            make: checks, builds and pushes under `unverified`; called only when nothing of this
                release is there yet.
        Raises:
            PipelineError: with how far it came.
        """
        tagger = Tagger(self.release, self.registry, self.clock, self.progress, self._verify)
        with reached(State.S1):
            found = await self._prepare()
            step, document, tree = await self._obtain(found, make)
            if step is not Step.CONFIRM:
                document = await tagger.put_tag(document)
        with reached(State.S2), self.progress.step("latest"):
            latest = await tagger.latest_in(found.tags, document) if found.tags else None
            if latest is None:
                is_put = step is not Step.CONFIRM
                latest, document = await tagger.settle(document, is_put=is_put)
        if latest != self.release.tag:
            self.progress.note(f"     latest stays with {latest}, which is newer")
        size = sum(image.size_bytes for image in tree.images)
        self.progress.note(f"     {len(tree.images)} platforms, {render_size(size)} of layers")
        return Published(document.digest, step, latest)

    async def _prepare(self) -> "_Found":
        """Ask for the right to push, the time and what is there, before anything is built."""
        with self.progress.step("right to push, and what is there"):
            _, (now, found) = await both(
                self.registry.probe_push, partial(both, self.registry.now, self._look)
            )
        warning = check_time(self.release.tag, local=self.clock.now(), registry=now)
        if warning:
            self.progress.note(f"     {warning}")
        return found

    async def _look(self) -> "_Found":
        """Read side by side what can be: round trips are what takes long."""
        at_tag, at_unverified = await both(
            partial(self.registry.manifest, self.release.tag.tag),
            partial(self.registry.manifest, UNVERIFIED),
        )
        if at_tag:
            reading = partial(read_release, self.registry, at_tag)
            return _Found(*await both(reading, partial(read_tags, self.registry)), None)
        held = await held_by(self.registry, at_unverified) if at_unverified else None
        return _Found(None, None, held)

    async def _obtain(
        self, found: "_Found", make: Callable[[], Awaitable[Digest]]
    ) -> tuple[Step, Document, Tree]:
        """Take the release that is in the registry, or make it; verified either way."""
        at_tag, at_unverified = found.at_tag, found.at_unverified
        step = plan_publication(
            self.release.tag,
            self.release.fingerprint,
            at_tag=at_tag.held if at_tag else None,
            at_unverified=at_unverified,
        )
        self.progress.note(f"     {step.value}")
        if step is Step.CONFIRM and at_tag:
            return step, *(await self._confirm(at_tag))
        if step is Step.RESUME and at_unverified:
            try:
                return step, *(await self._verify(at_unverified.digest))
            except VerificationError as error:
                self.progress.note(f"     what it pushed is not whole, so build: {error.cause}")
        return Step.BUILD, *(await self._verify(await make()))

    async def _confirm(self, seen: ReleaseSeen) -> tuple[Document, Tree]:
        """Judge what the tag holds, read once more where it could not be read."""
        if seen.tree is None:
            return await self._verify(seen.document.digest)
        with self.progress.step(f"verify {short(seen.document.digest)}"):
            judge_tree(seen.tree, self.release.expected)
        return seen.document, seen.tree

    async def _verify(self, digest: Digest) -> tuple[Document, Tree]:
        """Read back the whole tree of what was pushed; by digest, so nobody can swap it."""
        with self.progress.step(f"verify {short(digest)}"):
            document = await self._appearing(digest)
            tree = await read_tree(self.registry, document)
            judge_tree(tree, self.release.expected)
        return document, tree

    async def _appearing(self, digest: Digest) -> Document:
        """Read a manifest that was just pushed; registries may lag."""
        begun = self.clock.monotonic_s()
        while True:
            document = await self.registry.manifest(digest)
            if document:
                return document
            if self.clock.monotonic_s() - begun > LAG_S:
                raise RegistryUnavailable(
                    f"{digest} was pushed and is not there after {LAG_S:.0f} s", remedy=AGAIN
                )
            await self.clock.sleep(AGREEMENT_S)
