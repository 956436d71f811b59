"""Build: from the source's files to an image that says where it comes from."""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dagger
from dagger import dag

from ci.decisions.dockerfile import base_of, parse_stages, untold_settings
from ci.decisions.dockerignore import parse_dockerignore
from ci.decisions.fingerprint import Entry, Recipe, check_links, fingerprint
from ci.decisions.labels import Origin, release_labels, split_base
from ci.decisions.released import (
    Selection,
    check_size,
    exclusions,
    note_of_withheld,
    released_paths,
)
from ci.decisions.tags import ReleaseTag
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import BuildFailed, ContextInvalid, DirtyTree, TagElsewhere
from ci.oci.digest import Digest, digest_of
from ci.oci.platform import Platform
from ci.oci.text import shown
from ci.ports import Files
from ci.scratch import on_platform
from ci.settings import BuildSettings
from ci.together import both, together

DIRTY = "-dirty"
_LISTED = 6


@dataclass(frozen=True, slots=True)
class Sources:
    """What an image is built from, read once.

    `note` says what was left out of it, `machine` is the platform that builds run on, `untold` what
    of the image's settings no engine tells.
    """

    context: dagger.Directory
    settings: BuildSettings
    fingerprint: Digest
    base: str
    revision: str
    changed: tuple[str, ...]
    url: str
    note: str
    machine: str
    untold: tuple[str, ...]

    def require_committed(self) -> None:
        """Refuse a context that differs from the commit.

        Raises:
            DirtyTree: naming the files.
        """
        if self.changed:
            listed = ", ".join(shown(path) for path in self.changed[:_LISTED])
            raise DirtyTree(
                f"{len(self.changed)} files of the build context are not as committed: {listed}",
                remedy="commit them, or publish them as they are with --dirty",
            )

    def require_commit_of(self, tag: ReleaseTag, commit: str) -> None:
        """Refuse a source that is not at the commit that git's tag names; "" where git has none.

        Raises:
            TagElsewhere: naming both commits.
        """
        here = self.revision.removesuffix(DIRTY)
        if commit not in ("", here):
            raise TagElsewhere(
                f"git's tag {tag} is commit {commit}, the source is at {here}",
                remedy=f"git checkout {tag}; or mint a tag for this commit: ./daggerw call tag;"
                " or publish this commit all the same with --anyway (verify will say so)",
            )


async def read_sources(
    source: dagger.Directory,
    repo: dagger.GitRepository,
    settings: BuildSettings,
    *,
    files: Files,
    url: str,
) -> Sources:
    """Read the context, its fingerprint and the revision it belongs to.

    Raises:
        ContextInvalid, ContextEscape, ContextTooLarge: what is wrong with it.
    """
    found, (revision, uncommitted) = await _read_both(source, repo, settings, files)
    changed = released_paths(uncommitted, settings.context, found.selection)
    return Sources(
        context=found.context,
        settings=settings,
        fingerprint=_fingerprint(found, settings),
        base=base_of(parse_stages(found.dockerfile, settings.args), settings.target),
        revision=revision + (DIRTY if changed else ""),
        changed=changed,
        url=url,
        note=found.note,
        machine=found.machine,
        untold=untold_settings(found.dockerfile),
    )


async def _read_both(
    source: dagger.Directory, repo: dagger.GitRepository, settings: BuildSettings, files: Files
) -> tuple["_Found", tuple[str, list[str]]]:
    try:
        return await both(partial(_read, source, settings, files), partial(_git, repo))
    except ENGINE_ERRORS as error:
        raise engine_error(error, _unreadable) from error


def _unreadable(text: str) -> ContextInvalid:
    return ContextInvalid(
        f"the source cannot be read:\n    {text}",
        remedy="run inside a git repository with a commit, and check [build] in ci.toml",
    )


def _fingerprint(found: "_Found", settings: BuildSettings) -> Digest:
    check_links(found.entries)
    dockerfile = digest_of(found.dockerfile.encode("utf-8", "surrogateescape"))
    platforms = tuple(map(str, settings.platforms))
    recipe = Recipe(dockerfile, settings.target, settings.args, platforms)
    return fingerprint(found.entries, recipe)


async def resolve_base(sources: Sources) -> tuple[str, str]:
    """Ask for the name and digest of the base image; empty for scratch.

    Raises:
        BuildFailed: the base image cannot be found.
    """
    if not sources.base:
        return "", ""
    try:
        return split_base(await dag.container().from_(sources.base).image_ref())
    except ENGINE_ERRORS as error:
        what = f"the base image {shown(sources.base)}"
        raise engine_error(error, partial(_failed, what)) from error


async def image_of(
    sources: Sources, platform: Platform, tag: ReleaseTag | None, base: tuple[str, str]
) -> dagger.Container:
    """Describe the image for one platform; nothing runs until it is used.

    Raises:
        BuildFailed: the engine cannot make it for this platform.
    """
    origin = Origin(tag, sources.fingerprint, sources.revision, sources.url)
    image = stage_of(sources, sources.settings.target, platform, tag)
    if not sources.base:
        try:
            image = await on_platform(image, platform, sources.untold)
        except ENGINE_ERRORS as error:
            raise engine_error(error, partial(_failed, f"the build for {platform}")) from error
    for name, text in release_labels(origin, base_name=base[0], base_digest=base[1]).items():
        image = image.with_label(name, text).with_annotation(name, text)
    return image


def stage_of(
    sources: Sources, target: str, platform: Platform, tag: ReleaseTag | None
) -> dagger.Container:
    """Describe one stage of the Dockerfile."""
    given = {"TAG": str(tag or "dev"), "REVISION": sources.revision}
    # Dagger says the target's platform here, and would emulate what need not be.
    args = {**sources.settings.args, **given, "BUILDPLATFORM": sources.machine}
    return sources.context.docker_build(
        dockerfile=sources.settings.dockerfile,
        platform=dagger.Platform(str(platform)),
        build_args=[dagger.BuildArg(name, text) for name, text in args.items()],
        target=target,
    )


async def run_build(image: dagger.Container, what: str) -> None:
    """Build now.

    Raises:
        BuildFailed: with the end of the builder's output.
    """
    try:
        await image.sync()
    except ENGINE_ERRORS as error:
        raise engine_error(error, partial(_failed, what)) from error


def _failed(what: str, text: str) -> BuildFailed:
    return BuildFailed(
        f"{what} failed:\n    {text}",
        remedy="mend what the last lines name, then see it alone: ./daggerw call build",
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of a context, and the context without what must not be sent."""

    context: dagger.Directory
    entries: tuple[Entry, ...]
    dockerfile: str
    selection: Selection
    note: str
    machine: str


async def _git(repo: dagger.GitRepository) -> tuple[str, list[str]]:
    """Read the commit, and which paths are not as it has them."""
    changes = repo.uncommitted()
    kinds = [changes.added_paths, changes.modified_paths, changes.removed_paths]
    revision, paths = await both(repo.head().commit, partial(together, kinds, at_once=len(kinds)))
    return revision, [path for each in paths for path in each]


async def _read(source: dagger.Directory, settings: BuildSettings, files: Files) -> _Found:
    """Copy the context without secrets and what is derived, and list what counts of it."""
    # The history comes with the source, for its revision only.
    files_only = source.without_directory(".git")
    given = files_only if settings.context == "." else files_only.directory(settings.context)
    context = given.filter(exclude=exclusions(settings.send_anyway))
    with tempfile.TemporaryDirectory(prefix="ci-context-") as folder:
        root = Path(folder, "context")
        await context.filter(exclude=list(settings.derived)).export(str(root))
        dockerfile = files.text(root, settings.dockerfile)
        if dockerfile is None:
            raise ContextInvalid(
                f"no Dockerfile at {shown(f'{settings.context}/{settings.dockerfile}')}",
                remedy="name it in ci.toml, [build] context and dockerfile",
            )
        ignored = parse_dockerignore(files.text(root, ".dockerignore") or "")
        selection = Selection(ignored, settings.derived, settings.send_anyway)
        counted = [each for each in files.listing(root) if selection.is_counted(each.path)]
        check_size(counted, settings.limits)
        entries = tuple(sorted(files.entries(root, [each.path for each in counted])))
    note = note_of_withheld(await given.glob("**"), selection)
    machine = await dag.default_platform()
    return _Found(context, entries, dockerfile, selection, note, machine)
