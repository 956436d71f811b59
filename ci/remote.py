"""A server during one call: looking at it, and writing what a deploy needs, over a pinned SSH.

To look, the transaction's script is sent on standard input each time: nothing is left on the server
by a call that only looks.
"""

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ci.decisions.compose import read_rendered
from ci.decisions.outcome import error_of_look
from ci.decisions.placement import Deployment
from ci.decisions.server_facts import Facts, parse_facts, trouble_in
from ci.errors import State, reached
from ci.oci.digest import digest_of
from ci.ports import Clock, Host, Progress
from ci.server_errors import LinkLost, SshTimeout, SshUnreachable

LOOK_S = 150.0
PAUSES_S = (1.0, 2.0, 4.0, 8.0)
LOST = (LinkLost, SshTimeout, SshUnreachable)
_END = "CI_COMPOSE_FILE_ENDS_HERE"
T = TypeVar("T")


@dataclass(slots=True)
class Remote:
    """One stack on one server, over as many connections as it takes.

    `secrets` are never shown, whoever prints them there.
    """

    connect: Callable[[], AbstractAsyncContextManager[Host]]
    directory: str
    script: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    clock: Clock
    progress: Progress
    _connections: AsyncExitStack = field(default_factory=AsyncExitStack)
    _host: Host | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Remote"]:
        """Stay connected; the first question opens the connection."""
        try:
            yield self
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave the server; the next question connects again."""
        self._host = None
        stack, self._connections = self._connections, AsyncExitStack()
        await stack.aclose()

    async def host(self) -> Host:
        """The connection, made where there is none."""
        if self._host is None:
            self._host = await self._connections.enter_async_context(self.connect())
        return self._host

    async def patiently(self, act: Callable[[Host], Awaitable[T]]) -> T:
        """Do what may be done twice, again where the link is lost."""
        for pause_s in (*PAUSES_S[:2], None):
            try:
                return await act(await self.host())
            except LinkLost as error:
                await self.close()
                if pause_s is None:
                    raise
                self.progress.note(f"     {error.cause}; connecting again")
                await self.clock.sleep(pause_s)
        raise AssertionError("the last round returns or raises")

    async def look(self, deployment: Deployment) -> Facts:
        """Ask the server what it is and what runs there."""
        words = ("facts", self.directory, deployment.project, deployment.service, deployment.path)
        raw, _ = await self._ask(self._program((*words, *deployment.also)))
        return parse_facts(raw.decode("utf-8", "replace").splitlines())

    async def render(
        self, compose: bytes, deployment: Deployment, reference: str
    ) -> Mapping[str, Any]:
        """Let the server's compose read a file with its own `.env`; nothing secret comes back.

        Raises:
            ComposeInvalid, EnvMissing, EnvUnset: what compose said.
        """
        words = ("render", self.directory, deployment.project, reference)
        raw, status = await self._ask(self._program(words, compose))
        if trouble := trouble_in(raw.decode("utf-8", "replace").splitlines()):
            raise error_of_look(trouble)
        return read_rendered(raw if status == 0 else b"")

    async def read(self, path: str) -> bytes | None:
        """Read a small file of the stack's directory; None when there is none."""
        command = shlex.join(["cat", "--", f"{self.directory}/{path}"])
        ran = await self.patiently(lambda host: host.run(command, timeout_s=LOOK_S))
        return ran.stdout if ran.exit_status == 0 and not ran.is_cut else None

    async def upload(self, path: str, content: bytes) -> None:
        """Write a file of the stack's directory, whole or not at all."""
        place = f"{self.directory}/{path}"
        await self.patiently(lambda host: host.upload(place, content))

    async def install(self) -> str:
        """Put the script where the server runs it from; its path."""
        path = f".ci/bin/{digest_of(self.script).hex}.sh"
        await self.upload(path, self.script)
        return f"{self.directory}/{path}"

    def masked(self, text: str) -> str:
        """Take secrets out of what a server said."""
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "***")
        return text

    async def _ask(self, program: bytes) -> tuple[bytes, int | None]:
        with reached(State.S3):
            ran = await self.patiently(
                lambda host: host.run("sh -s", stdin=program, timeout_s=LOOK_S)
            )
        return ran.stdout, ran.exit_status

    def _program(self, words: tuple[str, ...], compose: bytes = b"") -> bytes:
        head = f"set -- {shlex.join(words)}\ncompose_text() {{\ncat <<'{_END}'\n".encode()
        return b"".join([head, compose, f"\n{_END}\n}}\n".encode(), self.script])
