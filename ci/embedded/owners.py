"""Owners by name, looked up in a file system's own passwd and group files."""

from __future__ import annotations

from ci.embedded.errors import EngineError
from ci.embedded.rootfs import Rootfs


async def resolve_owner(rootfs: Rootfs, owner: str) -> tuple[int, int]:
    """Numbers of ``user[:group]``, looked up in the file system's own passwd and group files."""
    user, _, group = owner.partition(":")
    uid, primary = (
        (int(user), int(user)) if user.isdigit() else await _account(rootfs, "passwd", user)
    )
    if not group:
        return uid, primary
    return uid, int(group) if group.isdigit() else (await _account(rootfs, "group", group))[0]


async def _account(rootfs: Rootfs, database: str, name: str) -> tuple[int, int]:
    entry, _ = await rootfs.read(f"/etc/{database}")
    for line in (
        rootfs.session.store.read_bytes(entry.content).decode(errors="replace").splitlines()
    ):
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2]), int(fields[3]) if database == "passwd" else 0
    raise EngineError(f"no such {'user' if database == 'passwd' else 'group'}: {name}")
