"""GitRepository and GitRef of a repository on this machine, read by git itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ci.embedded.errors import EngineError
from ci.embedded.lazy import Lazy
from ci.embedded.types.base import Api


async def git(repository: str, *args: str) -> str:
    """Run git in a repository, which it only reads; returns what it printed."""
    # The files may belong to another user (a checkout in a container, or sudo). A lock would be
    # in the way of the user's own git, and come and go while the directory is read.
    options = ["-c", "safe.directory=*", "--no-optional-locks"]
    command = ["git", *options, "-C", repository, *args]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    if process.returncode:
        raise EngineError(f"git {' '.join(args)}: {stderr.decode(errors='replace').strip()}")
    return stdout.decode(errors="replace")


@dataclass(frozen=True, eq=False)
class GitRef(Api):
    """A name or commit of a repository."""

    typename: ClassVar[str] = "GitRef"
    repository: Lazy[str]
    spec: str

    async def commit(self) -> str:
        found = await git(await self.repository, "rev-parse", "--verify", f"{self.spec}^{{commit}}")
        return found.strip()

    async def ref(self) -> str:
        full = await git(
            await self.repository, "rev-parse", "--symbolic-full-name", "--verify", self.spec
        )
        return full.strip() or await self.commit()


@dataclass(frozen=True, eq=False)
class Changeset(Api):
    """What the working tree holds that no commit does."""

    typename: ClassVar[str] = "Changeset"
    lines: Lazy[list[str]]

    async def is_empty(self) -> bool:
        return not await self.lines

    async def added_paths(self) -> list[str]:
        return await self._paths("?A")

    async def modified_paths(self) -> list[str]:
        return await self._paths("MRCT")

    async def removed_paths(self) -> list[str]:
        return await self._paths("D")

    async def _paths(self, kinds: str) -> list[str]:
        return [line[3:] for line in await self.lines if line[:2].strip()[:1] in kinds]


@dataclass(frozen=True, eq=False)
class GitRepository(Api):
    """A repository, by the directory that it lies in."""

    typename: ClassVar[str] = "GitRepository"
    directory: Lazy[str]

    def head(self) -> GitRef:
        return GitRef(self.session, self.directory, "HEAD")

    def branch(self, name: str) -> GitRef:
        return GitRef(self.session, self.directory, f"refs/heads/{name}")

    def tag(self, name: str) -> GitRef:
        return GitRef(self.session, self.directory, f"refs/tags/{name}")

    def commit(self, id: str) -> GitRef:  # noqa: A002 - the API's name
        return GitRef(self.session, self.directory, id)

    def ref(self, name: str) -> GitRef:
        return GitRef(self.session, self.directory, name)

    async def tags(self, patterns: Sequence[str] = ()) -> list[str]:
        return await self._names("tags", patterns)

    async def branches(self, patterns: Sequence[str] = ()) -> list[str]:
        return await self._names("heads", patterns)

    async def _names(self, kind: str, patterns: Sequence[str]) -> list[str]:
        listed = await git(
            await self.directory, "ls-remote", "--refs", f"--{kind}", ".", *(patterns or ())
        )
        return [
            line.partition("\t")[2].removeprefix(f"refs/{kind}/") for line in listed.splitlines()
        ]

    def uncommitted(self) -> Changeset:
        async def read() -> list[str]:
            listed = await git(
                await self.directory, "status", "--porcelain", "-z", "--untracked-files=all"
            )
            return [line for line in listed.split("\0") if line]

        return Changeset(self.session, Lazy(read))
