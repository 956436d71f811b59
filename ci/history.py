"""The history that a source belongs to: which commit it is, and what of it no commit has."""

import dagger

from ci.errors import ContextInvalid


async def find_history(
    source: dagger.Directory, given: dagger.GitRepository | None
) -> dagger.GitRepository | None:
    """Take the repository that was given, else the one that the source itself brings.

    Never the module's own: with a remote module that is another team's, and its commit on the image
    would be a lie.
    """
    if given:
        return given
    return source.as_git() if await source.exists(".git") else None


async def history_of(
    source: dagger.Directory, given: dagger.GitRepository | None
) -> dagger.GitRepository:
    """Find it where it is needed.

    Raises:
        ContextInvalid: the source brings none.
    """
    found = await find_history(source, given)
    if found is None:
        raise ContextInvalid(
            "the source has no .git, so nobody can say which commit it is",
            remedy="pass --source with the repository's root, or --repo with its repository",
        )
    return found
