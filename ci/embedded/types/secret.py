"""Secret and CacheVolume."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ci.embedded.errors import EngineError, Unsupported
from ci.embedded.lazy import Lazy
from ci.embedded.session import Session
from ci.embedded.types.base import Api


@dataclass(frozen=True, eq=False)
class Secret(Api):
    """A value that is masked in whatever this session prints."""

    typename: ClassVar[str] = "Secret"
    label: str
    value: Lazy[str]

    @classmethod
    def of(cls, session: Session, label: str, value: str) -> Secret:
        """A secret by its plaintext."""
        session.scrubber.add(value)
        return cls(session, label, Lazy.of(value))

    def name(self) -> str:
        return self.label

    def uri(self) -> str:
        return self.label

    async def plaintext(self) -> str:
        return await self.value

    async def cache_key(self) -> str:
        """What stands for it in the keys of results."""
        return self.session.secret_key(await self.value)


@dataclass(frozen=True, eq=False)
class CacheVolume(Api):
    """A named cache."""

    typename: ClassVar[str] = "CacheVolume"
    name: str


def secret_at(session: Session, uri: str) -> Secret:
    """A secret by ``env://NAME``, ``file://PATH`` or ``cmd://COMMAND``, read when it is needed."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, _, rest = uri.partition(":")
    readers = {"env": _from_env, "file": _from_file, "cmd": _from_command}
    if scheme not in readers:
        raise Unsupported(f"the secret provider {scheme!r}")

    async def read() -> str:
        value = await readers[scheme](session, rest)
        session.scrubber.add(value)
        return value

    return Secret(session, uri, Lazy(read))


async def _from_env(session: Session, name: str) -> str:
    if name not in session.environ:
        # As Dagger does: somebody may have passed the value instead of the name.
        shown = name[:3] + "..." if len(name) >= 4 else name
        raise EngineError(f'secret env var not found: "{shown}"')
    return session.environ[name]


async def _from_file(session: Session, path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except OSError as error:
        raise EngineError(f"failed to read secret file {path!r}: {error.strerror}") from error


async def _from_command(session: Session, command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=session.environ,
    )
    stdout, _ = await process.communicate()
    if process.returncode:
        raise EngineError(f"failed to run secret command: exit status {process.returncode}")
    return stdout.decode()
