"""Publish: a tag is put only on what was pushed, read back and verified; then latest follows.

Whatever a killed run leaves behind is found again by the next run of the same call: the image under
`unverified` says by its labels what it is, and a tag that is there already is only confirmed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial

from ci.decisions.publication import (
    Held,
    Reading,
    Step,
    is_release,
    judge_read,
    plan_publication,
    tag_taken,
)
from ci.decisions.render import render_size
from ci.decisions.report import short
from ci.decisions.tags import LATEST, UNVERIFIED, ReleaseTag, check_time
from ci.decisions.tree import Expected, Tree, judge_tree
from ci.errors import (
    RegistryUnavailable,
    State,
    TagConflict,
    TagsDisagree,
    VerificationError,
    reached,
)
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.platform import Platform
from ci.oci.reference import Tag
from ci.ports import Clock, Progress, Registry
from ci.read import (
    ReleaseSeen,
    TagsSeen,
    held_by,
    newest_release,
    read_held,
    read_release,
    read_tags,
    read_tree,
)
from ci.together import both
from ci.verify import AGREEMENT_S

LAG_S = 60.0
AGREEING_READS = 2
LATEST_ROUNDS = 8
_AGAIN = "run the same again; it goes on where it was"


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be published."""

    tag: ReleaseTag
    fingerprint: Digest
    platforms: tuple[Platform, ...]
    zone: tzinfo

    @property
    def expected(self) -> Expected:
        """What the images must say of themselves."""
        return Expected(self.platforms, str(self.tag), str(self.fingerprint))


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication ended in."""

    digest: Digest
    step: Step
    latest: ReleaseTag


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
        with reached(State.S1):
            found = await self._prepare()
            step, document, tree = await self._obtain(found, make)
            if step is not Step.CONFIRM:
                document = await self._put_tag(document)
        with reached(State.S2):
            latest, document = await self._settle_latest(document, found.tags)
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
                    f"{digest} was pushed and is not there after {LAG_S:.0f} s", remedy=_AGAIN
                )
            await self.clock.sleep(AGREEMENT_S)

    async def _put_tag(self, document: Document) -> Document:
        """Put the verified bytes under the tag, unless somebody was faster with this release."""
        tag = self.release.tag
        held = await read_held(self.registry, tag.tag)
        if held:
            return await self._join(held)
        with reached(State.S6), self.progress.step(f"tag {tag}"):
            await self.registry.push_manifest(tag.tag, document)
            try:
                await self._settle(tag.tag, document.digest, before=None)
            except TagConflict:
                held = await read_held(self.registry, tag.tag)
                if not held:
                    raise
                return await self._join(held)
        return document

    async def _join(self, held: Held) -> Document:
        """Take what another machine made of this release: whoever put the tag last made it."""
        if not is_release(held, self.release.tag, self.release.fingerprint):
            raise tag_taken(self.release.tag, held)
        self.progress.note(f"     another machine published this release: {held.digest}")
        document, _ = await self._verify(held.digest)
        return document

    async def _settle(self, tag: Tag, put: Digest, *, before: Digest | None) -> None:
        """Wait until the registry shows what was put, twice in a row.

        Raises:
            TagConflict: another writer moved the tag.
            RegistryUnavailable: the old state is still shown when patience ends.
        """
        begun, agreed = self.clock.monotonic_s(), 0
        while True:
            document = await self.registry.manifest(tag)
            seen = document.digest if document else None
            reading = judge_read(seen, put=put, before=before)
            if reading is Reading.FOREIGN:
                raise TagConflict(
                    f"{tag} was put to {put} and now holds {seen}: another writer moved it",
                    remedy="find out who else publishes this tag, then publish under a new one",
                )
            agreed = agreed + 1 if reading is Reading.OURS else 0
            if agreed == AGREEING_READS:
                return
            if self.clock.monotonic_s() - begun > LAG_S:
                raise RegistryUnavailable(
                    f"{tag} was put to {put} and still shows {seen or 'nothing'}", remedy=_AGAIN
                )
            await self.clock.sleep(AGREEMENT_S)

    async def _settle_latest(
        self, ours: Document, before: TagsSeen | None
    ) -> tuple[ReleaseTag, Document]:
        """Bring `latest` to the newest release, whoever published that.

        The list is read again after every move, and our own tag with it: when all publishers have
        ended, latest is the newest tag, in whatever order they ran.

        Args:
            before: an earlier look; it may show that nothing is to be done, never what is.
        Returns:
            The release that is `latest`, and what our own tag holds.
        """
        with self.progress.step("latest"):
            for _ in range(LATEST_ROUNDS):
                seen, ours = (before, ours) if before else await self._look_again(ours)
                current = seen.latest
                top, document = await self._newest(ours, seen)
                if current and current.digest == document.digest:
                    if top != self.release.tag:
                        self.progress.note(f"     latest stays with {top}, which is newer")
                    return top, ours
                if before:
                    before = None
                    continue
                await self._move_latest(document, current)
        raise TagsDisagree("others keep moving latest", remedy=_AGAIN)

    async def _move_latest(self, document: Document, current: Document | None) -> None:
        await self.registry.push_manifest(LATEST, document)
        shown = current.digest if current else None
        try:
            await self._settle(LATEST, document.digest, before=shown)
        except TagConflict:
            self.progress.note("     another publisher moved latest; looking again")

    async def _look_again(self, ours: Document) -> tuple[TagsSeen, Document]:
        """Read the tags, and what our own holds by now."""
        own = partial(self.registry.manifest, self.release.tag.tag)
        seen, held = await both(partial(read_tags, self.registry), own)
        # Not there: the registry lags, for it was there twice.
        if held and held.digest != ours.digest:
            ours = await self._join(await held_by(self.registry, held))
        return seen, ours

    async def _newest(self, ours: Document, seen: TagsSeen) -> tuple[ReleaseTag, Document]:
        names = {*seen.names, self.release.tag.tag.text}
        if seen.latest and seen.latest.digest != ours.digest:
            held = await held_by(self.registry, seen.latest)
            # The list may lag behind a tag that latest shows already.
            names.add(held.version)
        known = (self.release.tag, ours)
        seen = replace(seen, names=tuple(names))
        return await newest_release(self.registry, seen, self.release.zone, known) or known
