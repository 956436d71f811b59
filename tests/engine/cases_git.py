"""A git repository on this host."""

import os
import subprocess
from pathlib import Path

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.suite import mentions

# Fixed names and times give fixed commits.
IDENTITY = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-23T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-23T00:00:00Z",
}


async def git_head(at: At) -> object:
    head = _repository(at).head()
    return [await head.commit(), await head.ref()]


async def git_tags(at: At) -> object:
    return sorted(await _repository(at).tags())


async def git_tags_by_pattern(at: At) -> object:
    return sorted(await _repository(at).tags(patterns=["refs/tags/2026*"]))


async def git_tag(at: At) -> object:
    tag = _repository(at).tag("20260123-170510")
    return [await tag.commit(), await tag.ref()]


async def git_annotated_tag_is_its_commit(at: At) -> object:
    return await _repository(at).tag("v1").commit() == await _repository(at).head().commit()


async def git_branch(at: At) -> object:
    branch = _repository(at).branch("side")
    return [await branch.commit(), await branch.ref()]


async def git_ref(at: At) -> object:
    return await _repository(at).ref("refs/heads/side").commit()


async def git_commit(at: At) -> object:
    head = await _repository(at).head().commit()
    return await _repository(at).commit(head).commit() == head


@mentions("no-such-tag")
async def git_tag_missing(at: At) -> object:
    return await _repository(at).tag("no-such-tag").commit()


def _repository(at: At) -> dagger.GitRepository:
    root = at.scratch / "repository"
    if not root.exists():
        _create(root)
    return dag.address(str(root)).git_repository()


def _create(root: Path) -> None:
    """A repository of two commits; the second has a dated and an annotated tag."""
    root.mkdir()
    _git(root, "init", "-q", "-b", "main")
    for text in ("1", "2"):
        (root / "a").write_text(text)
        _git(root, "add", "a")
        _git(root, "commit", "-q", "-m", text)
    _git(root, "tag", "20260123-170510")
    _git(root, "tag", "-a", "-m", "one", "v1")
    _git(root, "branch", "side", "HEAD~1")


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, env={**os.environ, **IDENTITY}, check=True)
