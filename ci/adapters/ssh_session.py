"""Running commands over one SSH connection, each in its frame."""

import asyncio
import contextlib
import hashlib
import secrets
import shlex
from collections.abc import AsyncIterator

import asyncssh

from ci.adapters.ssh import SshDeadlines
from ci.decisions.framing import Framed, LineReader, framed, take_apart
from ci.decisions.host import HostAddress
from ci.decisions.remote_text import readable
from ci.oci.text import shown
from ci.ports import Ran
from ci.server_errors import LinkLost, RemoteShell, SshTimeout, UploadFailed

OUTPUT_BYTES = 1024 * 1024
_QUEUED_CHUNKS = 64
# One file: path, sha256. Written beside its place, flushed to the disk, compared, then moved. One
# line, since not every login shell passes several on.
_UPLOAD = "; ".join(
    (
        "set -eu",
        "umask 077",
        'mkdir -p "${1%/*}"',
        "part=$1.$$.part",
        """trap 'rm -f "$part"' EXIT""",
        'dd of="$part" bs=65536 conv=fsync 2>/dev/null',
        'got=$(sha256sum <"$part")',
        '[ "${got%% *}" = "$2" ] || { echo "what arrived is not what was sent" >&2; exit 1; }',
        'mv -f "$part" "$1"',
    )
)


class _Output(asyncssh.SSHClientSession[bytes]):
    """What one command says; stops reading where nobody takes it."""

    def __init__(self) -> None:
        self.chunks = asyncio.Queue[bytes | None]()
        self.stderr = bytearray()
        self.has_exited = False
        self.lost: Exception | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._is_paused = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None:
            self.stderr += data[: OUTPUT_BYTES - len(self.stderr)]
            return
        self.chunks.put_nowait(data)
        if self._channel and self.chunks.qsize() >= _QUEUED_CHUNKS:
            self._is_paused = True
            self._channel.pause_reading()

    def exit_status_received(self, status: int) -> None:
        self.has_exited = True

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.has_exited = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc
        self.chunks.put_nowait(None)

    async def chunk(self) -> bytes | None:
        """What came next; None at the end."""
        chunk = await self.chunks.get()
        if self._is_paused and self._channel and self.chunks.qsize() < _QUEUED_CHUNKS // 2:
            self._is_paused = False
            self._channel.resume_reading()
        return chunk


class SshHost:
    """One account on one server, through one connection; see ``ports.Host``."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        address: HostAddress,
        limits: SshDeadlines,
    ) -> None:
        self._connection, self._address, self._limits = connection, address, limits

    async def run(self, command: str, *, stdin: bytes = b"", timeout_s: float) -> Ran:
        """Run a command to its end, whatever its exit status."""
        nonce = secrets.token_hex(16)
        raw = bytearray()
        is_cut = False
        output: _Output | None = None
        channel: asyncssh.SSHClientChannel[bytes] | None = None
        try:
            async with asyncio.timeout(timeout_s):
                channel, output = await self._start(command, nonce, stdin)
                while (chunk := await output.chunk()) is not None:
                    raw += chunk
                    if len(raw) > OUTPUT_BYTES:
                        is_cut = True
                        break
        except TimeoutError:
            raise self._too_slow(take_apart(bytes(raw), nonce), timeout_s) from None
        finally:
            if channel is not None:
                channel.close()
        parts = take_apart(bytes(raw), nonce)
        if not is_cut and parts.status is None and not output.has_exited:
            raise self._lost(output)
        if not parts.has_begun:
            raise self._other_shell(bytes(raw), output)
        body = parts.body[:OUTPUT_BYTES]
        return Ran(body, bytes(output.stderr), parts.status, is_cut=is_cut, noise=parts.noise)

    async def upload(self, path: str, content: bytes, *, timeout_s: float = 60) -> None:
        """Put a file there whole or not at all."""
        digest = hashlib.sha256(content).hexdigest()
        command = shlex.join(["sh", "-c", _UPLOAD, "upload", path, digest])
        ran = await self.run(command, stdin=content, timeout_s=timeout_s)
        if ran.exit_status != 0:
            said = ran.error_text.strip().splitlines()[-1:] or ["nothing"]
            raise UploadFailed(
                f"{shown(path)} could not be written on {self._address}: it says {shown(said[0])}",
                remedy="look at the folder's owner and the disk's room:"
                f" ssh -p {self._address.port} {self._address.user}@{self._address.host}"
                f" 'ls -ld {shlex.quote(path.rpartition('/')[0] or '/')}; df -h; df -i'",
            )

    async def lines(self, command: str) -> AsyncIterator[str]:
        """Give the lines of a command as they come, until it ends."""
        nonce = secrets.token_hex(16)
        reader = LineReader(nonce)
        try:
            async with asyncio.timeout(self._limits.phase_s):
                channel, output = await self._start(command, nonce, b"")
        except TimeoutError:
            raise self._too_slow(take_apart(b"", nonce), self._limits.phase_s) from None
        try:
            while (chunk := await output.chunk()) is not None:
                for line in reader.feed(chunk):
                    yield readable(line)
        finally:
            channel.close()
        if not reader.has_begun and output.has_exited:
            raise self._other_shell(reader.noise, output)
        if not reader.has_ended:
            raise self._lost(output)

    async def _start(
        self, command: str, nonce: str, stdin: bytes
    ) -> tuple[asyncssh.SSHClientChannel[bytes], _Output]:
        try:
            output = _Output()
            channel, _ = await self._connection.create_session(
                lambda: output, framed(command, nonce), encoding=None, request_pty=False
            )
            # A command that ended at once takes nothing more; how it ended is what counts.
            with contextlib.suppress(BrokenPipeError):
                channel.write(stdin)
                channel.write_eof()
        except asyncssh.ChannelOpenError as error:
            if self._connection.is_closed():
                raise self._lost(None, error) from error
            raise self._other_shell(str(error).encode(), None) from error
        except (asyncssh.Error, OSError) as error:
            raise self._lost(None, error) from error
        return channel, output

    def _lost(self, output: _Output | None, error: Exception | None = None) -> LinkLost:
        cause = error or (output.lost if output else None)
        how = shown(str(cause)) if cause and str(cause) else "the other side closed it"
        return LinkLost(
            f"the connection to {self._address} ended before the command did: {how}",
            remedy="nothing, where the run is followed again; else the same call once the server"
            f" can be reached: ssh-keyscan -p {self._address.port} {self._address.host}",
        )

    def _other_shell(self, said: bytes, output: _Output | None) -> RemoteShell:
        everything = said + b"\n" + bytes(output.stderr if output else b"")
        told = shown(readable(everything).strip(), 200)
        return RemoteShell(
            f"{self._address} does not run the commands it is given; it answers {told}",
            remedy=f"give the account a POSIX shell (usermod -s /bin/sh {self._address.user}), and"
            " take command= out of its authorized_keys and ForceCommand out of sshd_config",
        )

    def _too_slow(self, so_far: Framed, limit_s: float) -> SshTimeout:
        what = "a command did not end" if so_far.has_begun else "the account began no command"
        said = readable(so_far.body if so_far.has_begun else so_far.noise).strip()
        told = f"; it said {shown(said, 200)}" if said else ""
        return SshTimeout(
            f"{self._address}: {what} in {limit_s:g} s{told}",
            remedy=f"look what the server is busy with: ssh -p {self._address.port}"
            f" {self._address.user}@{self._address.host} 'uptime; ps aux --sort=-%cpu | head'",
        )
