"""Looking at all that there is, for the audit: every release's tree, each part asked for once."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import partial
from typing import Any

import anyio
import dagger

from ci.decisions.audit.evidence import RegistrySeen, ReleaseRead
from ci.decisions.audit.findings import Gap
from ci.decisions.audit.workflow import FOLDER
from ci.decisions.tags import UNVERIFIED, ReleaseTag, parse_release_tag
from ci.decisions.tree import Tree
from ci.errors import InputError, PipelineError, VerificationError
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Repository, Tag
from ci.ports import Registry
from ci.read import held_by, read_tags, read_tree
from ci.together import both, together

RELEASES_AT_ONCE = 32
COMMITS_KNOWN = 3
ACTIONS = ".github/actions"


@dataclass
class Once:
    """Asks each question once, also where several ask it at the same time."""

    _locks: dict[Hashable, anyio.Lock] = field(default_factory=dict)
    _answers: dict[Hashable, Any] = field(default_factory=dict)

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to the question of this name; a failure is no answer."""
        if key not in self._answers:
            async with self._locks.setdefault(key, anyio.Lock()):
                if key not in self._answers:
                    self._answers[key] = await question()
        return self._answers[key]


@dataclass(frozen=True)
class Shared:
    """The part of the port Registry that reads trees; what has a digest is read once."""

    registry: Registry
    once: Once = field(default_factory=Once)

    async def manifest(self, identifier: Tag | Digest) -> Document | None:
        """Read a manifest; by digest, once."""
        if isinstance(identifier, Tag):
            return await self.registry.manifest(identifier)
        ask = partial(self.registry.manifest, identifier)
        found: Document | None = await self.once.ask(("manifest", identifier), ask)
        return found

    async def blob_size(self, digest: Digest) -> int | None:
        """Ask for a blob's size, once."""
        ask = partial(self.registry.blob_size, digest)
        found: int | None = await self.once.ask(("size", digest), ask)
        return found

    async def blob(self, descriptor: Descriptor) -> bytes | None:
        """Read a blob, once."""
        ask = partial(self.registry.blob, descriptor)
        found: bytes | None = await self.once.ask(("blob", descriptor.digest), ask)
        return found

    async def tree(self, document: Document) -> Tree:
        """Read a tree, once."""
        ask = partial(read_tree, self, document)
        found: Tree = await self.once.ask(("tree", document.digest), ask)
        return found


async def survey_registry(
    registry: Registry, repository: Repository, zone: tzinfo
) -> tuple[RegistrySeen, list[Gap]]:
    """Read every release; one that cannot be read now is a gap, one that is broken a fault."""
    seen = await read_tags(registry)
    shared = Shared(registry)
    tags = release_tags(seen.names, zone)
    reads = [partial(_release, shared, tag) for tag in tags]
    found, stopped = await both(
        partial(together, reads, at_once=RELEASES_AT_ONCE),
        partial(_stopped, registry, seen.names),
    )
    releases = tuple(each for each in found if isinstance(each, ReleaseRead))
    gaps = [each for each in found if isinstance(each, Gap)]
    latest = seen.latest.digest if seen.latest else None
    return RegistrySeen(repository, seen.names, latest, seen.now, releases, stopped), gaps


def release_tags(names: tuple[str, ...] | list[str], zone: tzinfo) -> tuple[ReleaseTag, ...]:
    """Choose the release tags among names, in order."""
    found = []
    for name in sorted(set(names)):
        try:
            found.append(parse_release_tag(name, zone))
        except InputError:
            continue
    return tuple(found)


async def _release(shared: Shared, tag: ReleaseTag) -> ReleaseRead | Gap:
    try:
        document = await shared.manifest(tag.tag)
        if document is None:
            return ReleaseRead(tag, None, None, "it is listed, and its manifest is unknown")
        try:
            return ReleaseRead(tag, document.digest, await shared.tree(document))
        except VerificationError as error:
            return ReleaseRead(tag, document.digest, None, f"{error.code}: {error.cause}")
    except VerificationError as error:
        return ReleaseRead(tag, None, None, f"{error.code}: {error.cause}")
    except PipelineError as error:
        return Gap(f"the release {tag}", f"{error.code}: {error.cause}", error.remedy)


async def _stopped(registry: Registry, names: tuple[str, ...]) -> str:
    """The version that `unverified` names, where it has no tag of its own."""
    if UNVERIFIED.text not in names:
        return ""
    try:
        document = await registry.manifest(UNVERIFIED)
        held = await held_by(registry, document) if document else None
    except PipelineError:
        return ""
    return held.version if held and held.version not in names else ""


async def survey_workflows(source: dagger.Directory) -> dict[str, str]:
    """Read the workflows and the actions beside them: path to text."""
    paths = [
        *await source.glob(f"{FOLDER}/*.y*ml"),
        *await source.glob(f"{ACTIONS}/**/action.y*ml"),
    ]
    texts = await together([source.file(path).contents for path in paths], at_once=4)
    return dict(zip(paths, texts, strict=True))


async def survey_tags(
    history: dagger.GitRepository, zone: tzinfo, tag: ReleaseTag | None
) -> tuple[tuple[ReleaseTag, ...], dict[str, str]]:
    """Read the release tags, and the commits of those that matter."""
    tags = release_tags([name.removeprefix("refs/tags/") for name in await history.tags()], zone)
    # Each commit is a question of its own.
    known = {*tags[-COMMITS_KNOWN:], *((tag,) if tag in tags else ())}
    return tags, {str(each): await history.tag(str(each)).commit() for each in known}
