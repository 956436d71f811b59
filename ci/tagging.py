"""Tagging: the release's tag and `latest` are put, and both are seen to stay.

A tag is believed when two looks agree, a second apart; that second is waited for once, for both.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from ci.decisions.publication import Held, Reading, Release, is_release, judge_read, tag_taken
from ci.decisions.tags import LATEST, ReleaseTag
from ci.decisions.tree import Tree
from ci.errors import RegistryUnavailable, State, TagConflict, TagsDisagree, reached
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Tag
from ci.ports import Clock, Progress, Registry
from ci.read import TagsSeen, held_by, newest_release, read_held, read_tags
from ci.together import both
from ci.verify import AGREEMENT_S

LAG_S = 60.0
LATEST_ROUNDS = 8
_AGAIN = "run the same again; it goes on where it was"


async def appearing(registry: Registry, identifier: Tag | Digest, clock: Clock) -> Document:
    """Read a manifest that was just put; registries may lag."""
    begun = clock.monotonic_s()
    while True:
        document = await registry.manifest(identifier)
        if document:
            return document
        if clock.monotonic_s() - begun > LAG_S:
            raise RegistryUnavailable(
                f"{identifier} was put and is not there after {LAG_S:.0f} s", remedy=_AGAIN
            )
        await clock.sleep(AGREEMENT_S)


@dataclass(frozen=True, slots=True)
class _Own:
    """What our tag holds; `agreed`: the look before showed everything as it should be."""

    document: Document
    agreed: bool = False
    is_there: bool = True
    taken: TagConflict | None = None


@dataclass(frozen=True, slots=True)
class Tagger:
    """Puts the tags of one release; `verify` reads and judges what another machine made of it."""

    release: Release
    registry: Registry
    clock: Clock
    progress: Progress
    verify: Callable[[Digest], Awaitable[tuple[Document, Tree]]]

    async def put_tag(self, document: Document) -> Document:
        """Put the verified bytes under the tag, unless somebody was faster with this release."""
        tag = self.release.tag
        held = await read_held(self.registry, tag.tag)
        if held:
            return await self._join(held)
        with reached(State.S6), self.progress.step(f"tag {tag}"):
            reading = await self._put(tag.tag, document, before=None, patience_s=LAG_S)
            if reading is Reading.OURS:
                return document
            held = await read_held(self.registry, tag.tag)
            if held is None:
                raise _lags(tag.tag)
            return await self._join(held)

    async def _join(self, held: Held) -> Document:
        """Take what another machine made of this release: whoever put the tag last made it."""
        if not is_release(held, self.release.tag, self.release.fingerprint):
            raise tag_taken(self.release.tag, held)
        self.progress.note(f"     another machine published this release: {held.digest}")
        document, _ = await self.verify(held.digest)
        return document

    async def _put(
        self, tag: Tag, document: Document, *, before: Digest | None, patience_s: float
    ) -> Reading:
        """Put the bytes and wait until the registry shows them, or what another writer put."""
        await self.registry.push_manifest(tag, document)
        begun = self.clock.monotonic_s()
        while True:
            shown = await self.registry.manifest(tag)
            seen = shown.digest if shown else None
            reading = judge_read(seen, put=document.digest, before=before)
            if reading is not Reading.LAG or self.clock.monotonic_s() - begun > patience_s:
                return reading
            await self.clock.sleep(AGREEMENT_S)

    async def latest_in(self, seen: TagsSeen, ours: Document) -> ReleaseTag | None:
        """The release that `latest` is, where a look shows that nothing is to be done."""
        top, document = await self._newest(seen, (self.release.tag, ours)) or (None, ours)
        return top if seen.latest and seen.latest.digest == document.digest else None

    async def settle(self, ours: Document, *, is_put: bool) -> tuple[ReleaseTag, Document]:
        """Bring `latest` to the newest release, whoever published that, and see all of it stay.

        The list is read again a second after every move, and our own tag with it: when all
        publishers have ended, latest is the newest tag, in whatever order they ran.

        Args:
            is_put: whether the tag was put just now, and seen once.
        Returns:
            The release that is `latest`, and what our own tag holds.
        Raises:
            TagConflict: another release took our tag meanwhile; latest is not left with ours.
        """
        own, reading = _Own(ours, agreed=not is_put), Reading.OURS
        for number in range(LATEST_ROUNDS):
            if number:
                await self.clock.sleep(AGREEMENT_S)
            seen, own = await self._look(own)
            top = await self._newest(seen, None if own.taken else (self.release.tag, own.document))
            if top and (seen.latest is None or seen.latest.digest != top[1].digest):
                reading = await self._move_latest(seen.latest, top[1])
                own = replace(own, agreed=own.is_there and reading is Reading.OURS)
            elif own.taken:
                raise own.taken
            elif top and own.agreed:
                return top[0], own.document
            else:
                own = replace(own, agreed=own.is_there)
        raise _lags(LATEST) if reading is Reading.LAG else _unsettled()

    async def _look(self, own: "_Own") -> tuple[TagsSeen, "_Own"]:
        """Read the tags, and what our own holds of this release by now."""
        manifest = partial(self.registry.manifest, self.release.tag.tag)
        seen, held = await both(partial(read_tags, self.registry), manifest)
        if held is None:
            await appearing(self.registry, self.release.tag.tag, self.clock)
            return seen, replace(own, agreed=False, is_there=False)
        if own.taken or held.digest == own.document.digest:
            return seen, replace(own, is_there=True)
        try:
            with reached(State.S6):
                return seen, _Own(await self._join(await held_by(self.registry, held)))
        except TagConflict as error:
            return seen, replace(own, taken=error)

    async def _move_latest(self, current: Document | None, wanted: Document) -> Reading:
        before = current.digest if current else None
        patience_s = LAG_S / LATEST_ROUNDS
        reading = await self._put(LATEST, wanted, before=before, patience_s=patience_s)
        if reading is Reading.FOREIGN:
            self.progress.note("     another publisher moved latest; looking again")
        return reading

    async def _newest(
        self, seen: TagsSeen, known: tuple[ReleaseTag, Document] | None
    ) -> tuple[ReleaseTag, Document] | None:
        """The newest release of a look; `known` is ours, while the tag holds it."""
        names = {*seen.names, self.release.tag.tag.text}
        if seen.latest and not (known and seen.latest.digest == known[1].digest):
            held = await held_by(self.registry, seen.latest)
            # The list may lag behind a tag that latest shows already.
            names.add(held.version)
        seen = replace(seen, names=tuple(names))
        return await newest_release(self.registry, seen, self.release.zone, known) or known


def _lags(tag: Tag) -> RegistryUnavailable:
    return RegistryUnavailable(f"{tag} was put, and the old is still shown", remedy=_AGAIN)


def _unsettled() -> TagsDisagree:
    return TagsDisagree("others keep moving the tags", remedy=_AGAIN)
