"""What the stages need from the world, nothing more."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ci.decisions.credentials import Credentials
from ci.decisions.fingerprint import Entry
from ci.decisions.host import HostAddress
from ci.decisions.known_hosts import KnownHosts
from ci.decisions.released import Listed
from ci.decisions.remote_text import readable
from ci.decisions.ssh_key import SshKey
from ci.oci.descriptor import Descriptor
from ci.oci.digest import Digest
from ci.oci.manifest import Document
from ci.oci.reference import Repository, Tag


class Contents(Protocol):
    """What a repository holds, as reading a release needs it."""

    async def manifest(self, identifier: Tag | Digest) -> Document | None:
        """Read a manifest or index; None when there is none. By digest the bytes are checked."""
        ...

    async def blob_size(self, digest: Digest) -> int | None:
        """Ask for a blob's size in bytes; None when there is none."""
        ...

    async def blob(self, descriptor: Descriptor) -> bytes | None:
        """Read a small blob, checked against its descriptor; None when there is none."""
        ...


class Registry(Contents, Protocol):
    """One repository in a registry.

    Every method raises the classified errors of ``decisions.registry_answers``, and what did not
    heal in the retry budget: RegistryUnavailable, RegistryTimeout, RegistryThrottled, Truncated.
    """

    async def now(self) -> datetime:
        """The registry's own clock."""
        ...

    async def probe_push(self) -> None:
        """Find out whether this token may push, leaving nothing behind."""
        ...

    async def push_manifest(self, tag: Tag, document: Document) -> None:
        """Put these very bytes under a tag."""
        ...

    async def tags(self) -> tuple[str, ...]:
        """List every tag, in the registry's order."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Progress(Protocol):
    """Telling the person who waits what is going on."""

    def note(self, text: str) -> None:
        """Say one line."""
        ...

    def step(self, name: str) -> AbstractContextManager[None]:
        """Say what begins, and how long it took when it ends."""
        ...


class Files(Protocol):
    """Reading a directory on this machine."""

    def listing(self, root: Path) -> list[Listed]:
        """List all files and symbolic links under `root`, in any order."""
        ...

    def entries(self, root: Path, paths: Iterable[str]) -> list[Entry]:
        """Read what counts of these files and links under `root`."""
        ...

    def text(self, root: Path, name: str) -> str | None:
        """Read a text file under `root`; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a health request gave; status 0 is no answer, and `body` says why."""

    status: int
    body: str

    @property
    def is_healthy(self) -> bool:
        """Whether the service says that it is well."""
        return 200 <= self.status < 300


class Prober(Protocol):
    """Asking a service for its health."""

    async def ask(self, url: str, timeout_s: float) -> Answered:
        """Ask once."""
        ...


class Connect(Protocol):
    """Opening a repository in a registry for the length of a stage."""

    def __call__(
        self,
        repository: Repository,
        credentials: Credentials | None,
        *,
        clock: Clock,
        progress: Progress,
        endpoint: str = "",
        can_push: bool = False,
    ) -> AbstractAsyncContextManager[Registry]:
        """Connect.

        Args:
            endpoint: ``host:port`` where the registry is really dialled; "" for its own.
            can_push: whether the right to push is asked for.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command on a server gave.

    Attributes:
        stdout, stderr: at most 1 MiB of each; `is_cut` says that there was more.
        exit_status: of the command itself; None when it was cut or killed.
        noise: what the account's start-up files said before it.
    """

    stdout: bytes
    stderr: bytes
    exit_status: int | None
    is_cut: bool = False
    noise: bytes = b""

    @property
    def text(self) -> str:
        """The output for people and for reading lines: UTF-8 or replaced, no control codes."""
        return readable(self.stdout)

    @property
    def error_text(self) -> str:
        """The same of what it said on stderr."""
        return readable(self.stderr)


class Host(Protocol):
    """One account on one server, through one connection.

    A command is text for a POSIX shell: made with ``shlex.join``, or constant. What it needs to
    know beyond that comes on its standard input. Every method raises LinkLost when the connection
    goes, RemoteShell when the account runs something else; nothing is tried twice here.
    """

    async def run(self, command: str, *, stdin: bytes = b"", timeout_s: float) -> Ran:
        """Run a command to its end, whatever its exit status.

        Raises:
            SshTimeout: it did not end in time; it may still run.
        """
        ...

    async def upload(self, path: str, content: bytes, *, timeout_s: float = 60) -> None:
        """Put a file there whole or not at all, mode 0600; missing folders above it are made.

        Raises:
            UploadFailed: it could not be written, with what the server said.
        """
        ...

    def lines(self, command: str) -> AsyncIterator[str]:
        """Give the lines of a command as they come, until it ends.

        Raises:
            LinkLost: the connection went, or the command was killed: open another and ask again.
        """
        ...


@dataclass(frozen=True, slots=True)
class HostAccess:
    """Everything that is needed to reach a server and to know that it is the right one.

    Attributes:
        endpoint: ``host:port`` that is really dialled instead of the address (of the jump host,
            where there is one); "" for that itself. The pins are the address's all the same.
        jump: an account on a server that is reached first, and that reaches the address.
    """

    address: HostAddress
    key: SshKey = field(repr=False)
    pins: KnownHosts
    endpoint: str = ""
    jump: HostAddress | None = None


class ConnectHost(Protocol):
    """Opening a connection to a server; open another one after LinkLost."""

    def __call__(self, access: HostAccess) -> AbstractAsyncContextManager[Host]:
        """Connect, prove that the server is the pinned one, then log in."""
        ...
