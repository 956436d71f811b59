"""Rows H: what a command on a server ends with, whatever the account's shell adds to it."""

import asyncio
import hashlib
from pathlib import Path

import asyncssh
import pytest

from ci.adapters.ssh import SshDeadlines, open_host
from ci.server_errors import RemoteShell, SshTimeout, UploadFailed
from tests.faults.sshd import Anybody, Sshd, loopback, make_key, sshd

PATIENT_S = 60


@pytest.fixture
def server(tmp_path: Path):
    with sshd(tmp_path / "sshd") as running:
        yield running


NOISE = "printf 'Welcome!\\n\\nLast login: never'; echo to-stderr >&2; "


async def test_h15_noise_of_start_up_files_is_kept_apart(tmp_path: Path):
    settings = {"ForceCommand": f'{NOISE}exec sh -c "$SSH_ORIGINAL_COMMAND"'}
    with sshd(tmp_path / "sshd", settings) as noisy:
        async with open_host(noisy.access()) as host:
            ran = await host.run("printf 'a\\nb'", timeout_s=PATIENT_S)
            lines = [line async for line in host.lines("echo a; echo; echo b")]
            await host.upload(f"{tmp_path}/deep/down/file", b"\0exact\n\xff")
    assert (ran.stdout, ran.exit_status) == (b"a\nb", 0)
    assert b"Last login" in ran.noise
    assert lines == ["a", "", "b"]
    assert (tmp_path / "deep/down/file").read_bytes() == b"\0exact\n\xff"


OTHER_SHELLS = {
    "H16 a forced command": "echo only backups here; exit 7",
    "H16 file transfer alone": "internal-sftp",
    "H16 no login": "/usr/sbin/nologin",
    "H16 an interpreter": "cat -",
}


@pytest.mark.parametrize("forced", OTHER_SHELLS.values(), ids=OTHER_SHELLS)
async def test_an_account_that_runs_something_else_is_told_by_its_answer(
    tmp_path: Path, forced: str
):
    with sshd(tmp_path / "sshd", {"ForceCommand": forced}) as other:
        async with open_host(other.access()) as host:
            with pytest.raises(RemoteShell) as caught:
                await host.run("touch done", timeout_s=PATIENT_S)
            with pytest.raises(RemoteShell):
                assert [line async for line in host.lines("touch done")] == []
    assert caught.value.exit_class == 7
    if "backups" in forced:
        assert "only backups here" in caught.value.cause


@pytest.mark.parametrize("status", [0, 1, 124, 137, 255])
async def test_h17_the_command_s_own_status_counts(server: Sshd, status: int):
    async with open_host(server.access()) as host:
        ran = await host.run(f"echo out; echo err >&2; exit {status}", timeout_s=PATIENT_S)
    assert (ran.stdout, ran.error_text, ran.exit_status) == (b"out\n", "err\n", status)


async def test_h17_a_killed_command_has_no_status(server: Sshd):
    async with open_host(server.access()) as host:
        ran = await host.run("kill -9 $PPID", timeout_s=PATIENT_S)
    assert ran.exit_status is None


async def test_h18_a_gigabyte_is_cut(server: Sshd):
    async with open_host(server.access()) as host:
        ran = await host.run("head -c 1000000000 /dev/zero", timeout_s=PATIENT_S)
        loud = await host.run("head -c 5000000 /dev/zero >&2; exit 3", timeout_s=PATIENT_S)
    assert (len(ran.stdout), ran.is_cut, ran.exit_status) == (1024 * 1024, True, None)
    assert (len(loud.stderr), loud.exit_status) == (1024 * 1024, 3)


async def test_h18_odd_bytes_are_readable(server: Sshd):
    async with open_host(server.access()) as host:
        ran = await host.run("printf 'a\\377\\033[31mb\\033]0;x\\007c\\rd\\n'", timeout_s=PATIENT_S)
        lines = [line async for line in host.lines("printf 'a\\377\\033[31mb\\n'")]
    assert ran.stdout == b"a\xff\x1b[31mb\x1b]0;x\x07c\rd\n"
    assert ran.text == "a\ufffdbcd\n"
    assert lines == ["a\ufffdb"]


async def test_a_command_that_takes_too_long_is_left_with_its_last_words(server: Sshd):
    async with open_host(server.access()) as host:
        with pytest.raises(SshTimeout) as caught:
            await host.run(f"echo half way; {server.until_left}", timeout_s=10)
        assert (await host.run("echo well", timeout_s=PATIENT_S)).text == "well\n"
    assert "half way" in caught.value.cause


async def test_input_comes_whole_whatever_its_size(server: Sshd):
    content = bytes(range(256)) * 20_000
    async with open_host(server.access()) as host:
        ran = await host.run("sha256sum | cut -c1-64; cat /dev/null", stdin=content, timeout_s=60)
        unread = await host.run("echo done", stdin=content, timeout_s=PATIENT_S)
    assert ran.text.strip() == hashlib.sha256(content).hexdigest()
    assert unread.text == "done\n"


async def test_an_upload_replaces_the_file_at_once_and_leaves_nothing_beside_it(
    server: Sshd, tmp_path: Path
):
    place = tmp_path / "it's a folder" / "file"
    async with open_host(server.access()) as host:
        for content in (b"first", b"", b"\0" * 3_000_000):
            await host.upload(str(place), content)
            assert place.read_bytes() == content
    assert [each.name for each in place.parent.iterdir()] == ["file"]
    assert place.stat().st_mode & 0o777 == 0o600


async def test_an_upload_that_cannot_be_written_says_why(server: Sshd, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    async with open_host(server.access()) as host:
        with pytest.raises(UploadFailed) as caught:
            await host.upload(str(tmp_path / "file" / "x"), b"content")
    assert caught.value.exit_class == 12
    assert "file" in caught.value.cause


async def hang(_: asyncssh.SSHServerProcess[str]) -> None:
    await asyncio.Event().wait()


async def test_h12_an_account_that_never_begins_a_command_is_told():
    key = make_key()
    anybody = SshDeadlines(phase_s=PATIENT_S)
    async with (
        asyncssh.listen(
            "127.0.0.1", 0, process_factory=hang, server_host_keys=[key], server_factory=Anybody
        ) as listening,
        open_host(loopback(key, listening.get_port()), deadlines=anybody) as host,
    ):
        with pytest.raises(SshTimeout) as caught:
            await host.run("echo never", timeout_s=1)
    assert "began no command" in caught.value.cause


async def leave(process: asyncssh.SSHServerProcess[str]) -> None:
    process.exit(3)


async def test_h17_an_account_that_leaves_at_once_is_no_lost_link():
    """Its channel is closed before anything can be written to it."""
    key = make_key()
    async with (
        asyncssh.listen(
            "127.0.0.1", 0, process_factory=leave, server_host_keys=[key], server_factory=Anybody
        ) as listening,
        open_host(loopback(key, listening.get_port())) as host,
    ):
        for stdin in (b"", b"input") * 5:
            with pytest.raises(RemoteShell):
                await host.run("echo never", stdin=stdin, timeout_s=PATIENT_S)
