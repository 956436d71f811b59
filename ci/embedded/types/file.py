"""File."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from ci.embedded.errors import EngineError
from ci.embedded.lazy import Lazy
from ci.embedded.session import Session
from ci.embedded.tree import Entry
from ci.embedded.types.base import Api


@dataclass(frozen=True, eq=False)
class File(Api):
    """A file, read when it is needed."""

    typename: ClassVar[str] = "File"
    entry: Lazy[Entry]
    basename: str

    @classmethod
    def new(cls, session: Session, name: str, contents: str, permissions: int) -> File:
        """A file by its text."""
        return cls(session, Lazy.of(session.store.new_file(contents.encode(), permissions)), name)

    def name(self) -> str:
        return self.basename

    def with_name(self, name: str) -> File:
        return replace(self, basename=name)

    async def sync(self) -> str:
        await self.entry
        return self.id()

    async def size(self) -> int:
        return (await self.entry).size

    async def digest(self) -> str:
        return "sha256:" + (await self.entry).content

    async def contents(
        self, offset_lines: int | None = None, limit_lines: int | None = None
    ) -> str:
        data = self.session.store.read_bytes((await self.entry).content)
        try:
            lines = data.decode().splitlines(keepends=True)
        except UnicodeDecodeError as error:
            raise EngineError(
                f"file {self.basename} is not UTF-8 text: export it instead"
            ) from error
        first = offset_lines or 0
        return "".join(lines[first : first + limit_lines if limit_lines else None])

    async def export(self, path: str, allow_parent_dir_path: bool = False) -> str:
        target = Path(path).absolute()
        if target.is_dir():
            if not allow_parent_dir_path:
                reason = "is a directory; must be a file path unless allowParentDirPath is set"
                raise EngineError(f'destination "{path}" {reason}')
            target /= self.basename
        entry = await self.entry
        await asyncio.to_thread(
            _copy, self.session.store.blob_path(entry.content), target, entry.mode
        )
        return str(target)


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, beside)
    beside.chmod(mode)
    beside.replace(target)
