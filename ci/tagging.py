"""Tagging: the release's tag and `latest` are put, and both are seen to stay.

A tag is believed when two looks agree, a second apart; that second is waited for once, for both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from ci.decisions.publication import Held, Reading, Release, is_release, judge_read, tag_taken
from ci.decisions.tags import LATEST, ReleaseTag
from ci.decisions.tree import Tree
from ci.errors import (
    Now,
    PipelineError,
    RegistryUnavailable,
    State,
    TagConflict,
    TagsDisagree,
    reached,
)
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Tag
from ci.ports import Clock, Progress, Registry
from ci.read import TagsSeen, held_by, newest_release, read_held, read_tags
from ci.together import both
from ci.verify import AGREEMENT_S

LAG_S = 60.0
# So long a move of `latest` is waited for before the tags are looked at again.
ROUND_S = 8.0
LEAST_ROUNDS = 8
AGAIN = "run the same again; it goes on where it was"


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
            shown = await self._put(tag.tag, document, before=None, patience_s=LAG_S)
            if shown is None:
                raise _lags(tag.tag, document, None)
            if shown.digest != document.digest:
                return await self._joined(shown, document)
        return document

    async def _join(self, held: Held) -> Document:
        """Take what another machine made of this release: whoever put the tag last made it."""
        if not is_release(held, self.release.tag, self.release.fingerprint):
            raise tag_taken(self.release.tag, held)
        self.progress.note(f"     another machine published this release: {held.digest}")
        document, _ = await self.verify(held.digest)
        return document

    async def _put(
        self, tag: Tag, document: Document, *, before: Digest | None, patience_s: float
    ) -> Document | None:
        """Put the bytes and wait until the registry shows them, or what another writer put.

        Returns:
            what is shown; still what was there before when patience ends.
        """
        await self.registry.push_manifest(tag, document)
        begun = self.clock.monotonic_s()
        while True:
            shown = await self.registry.manifest(tag)
            is_lagging = _read(shown, put=document, before=before) is Reading.LAG
            if not is_lagging or self.clock.monotonic_s() - begun > patience_s:
                return shown
            await self.clock.sleep(AGREEMENT_S)

    async def latest_in(self, seen: TagsSeen, ours: Document) -> ReleaseTag | None:
        """The release that `latest` is, where a look shows that nothing is to be done."""
        top, document = await self._newest(seen, ours)
        return top if _is(seen.latest, document) else None

    async def settle(self, ours: Document, *, is_put: bool) -> tuple[ReleaseTag, Document]:
        """Bring `latest` to the newest release, whoever published that, and see all of it stay.

        The list is read again a second after every move, and our own tag with it: when all
        publishers have ended, latest is the newest tag, in whatever order they ran.

        Args:
            is_put: whether the tag was put just now, and seen once.
        Returns:
            The release that is `latest`, and what our own tag holds.
        Raises:
            TagConflict: another release took our tag meanwhile.
        """
        agreed, error = not is_put, _unsettled()
        async for _ in self._rounds():
            seen, held = await self._look()
            if held is None:
                agreed, error = False, _lags(self.release.tag.tag, ours, None)
                continue
            if not _is(held, ours):
                ours, agreed = await self._joined(held, ours), False
            top, document = await self._newest(seen, ours)
            if not _is(seen.latest, document):
                moved = await self._move_latest(seen.latest, document)
                agreed, error = moved is None, moved or error
            elif agreed:
                return top, ours
            else:
                agreed = True
        raise error

    async def _look(self) -> tuple[TagsSeen, Document | None]:
        own = partial(self.registry.manifest, self.release.tag.tag)
        return await both(partial(read_tags, self.registry), own)

    async def _rounds(self) -> AsyncIterator[None]:
        """One each second for as long as a registry may lag, and some at least."""
        begun, number = self.clock.monotonic_s(), 0
        while number < LEAST_ROUNDS or self.clock.monotonic_s() - begun <= LAG_S:
            if number:
                await self.clock.sleep(AGREEMENT_S)
            yield
            number += 1

    async def _joined(self, found: Document, ours: Document) -> Document:
        """Take what our tag holds by now; where that is another release, give `latest` back."""
        held = await held_by(self.registry, found)
        with reached(State.S6):
            try:
                return await self._join(held)
            except TagConflict as conflict:
                conflict.state = Now("S6", "the tag was put, and holds another release since")
                try:
                    await self._give_back(ours, held)
                except PipelineError as error:
                    raise conflict from error
                raise

    async def _give_back(self, ours: Document, held: Held) -> None:
        """Where `latest` is what we put and our tag no longer holds, put the newest release.

        What was put under our tag counts where it says that it is a release of that name.
        """
        tag, has_put = str(self.release.tag), False
        async for _ in self._rounds():
            seen = await read_tags(self.registry)
            names = tuple(each for each in seen.names if each != tag or held.version == tag)
            seen = replace(seen, names=names)
            newest = await newest_release(self.registry, seen, self.release.zone)
            is_ours = has_put or _is(seen.latest, ours)
            if newest is None or not is_ours or _is(seen.latest, newest[1]):
                return
            await self._move_latest(seen.latest, newest[1])
            has_put = True

    async def _move_latest(
        self, current: Document | None, wanted: Document
    ) -> PipelineError | None:
        """Put `latest`; None where it shows that, else what is to be said if it never does."""
        before = current.digest if current else None
        shown = await self._put(LATEST, wanted, before=before, patience_s=ROUND_S)
        reading = _read(shown, put=wanted, before=before)
        if reading is Reading.FOREIGN:
            self.progress.note("     another publisher moved latest; looking again")
            return _unsettled()
        return _lags(LATEST, wanted, shown) if reading is Reading.LAG else None

    async def _newest(self, seen: TagsSeen, ours: Document) -> tuple[ReleaseTag, Document]:
        """The newest release of a look; ours is known to be there, in whatever it lags."""
        names = {*seen.names, self.release.tag.tag.text}
        if seen.latest and not _is(seen.latest, ours):
            held = await held_by(self.registry, seen.latest)
            # The list may lag behind a tag that latest shows already.
            names.add(held.version)
        known = (self.release.tag, ours)
        seen = replace(seen, names=tuple(names))
        return await newest_release(self.registry, seen, self.release.zone, known) or known


def _is(shown: Document | None, wanted: Document) -> bool:
    return shown is not None and shown.digest == wanted.digest


def _read(shown: Document | None, *, put: Document, before: Digest | None) -> Reading:
    return judge_read(shown.digest if shown else None, put=put.digest, before=before)


def _lags(tag: Tag, put: Document, shown: Document | None) -> RegistryUnavailable:
    what = shown.digest if shown else "nothing"
    return RegistryUnavailable(
        f"{tag} was put to {put.digest} and still shows {what}",
        remedy=AGAIN,
        state=None if tag == LATEST else State.S6,
    )


def _unsettled() -> PipelineError:
    return TagsDisagree("others keep moving latest", remedy=AGAIN)
