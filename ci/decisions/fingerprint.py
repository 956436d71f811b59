"""The fingerprint: one name for everything that a release is built from.

Two machines that hold the same sources agree on it, whatever their umask, clock, engine or empty
directories; only what git itself keeps counts: path, kind, execute bit, content, link target.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ci.errors import ContextEscape
from ci.oci.digest import Digest, digest_of
from ci.oci.text import shown

_FORMAT = "ci-fingerprint-1"
_LINK_HOPS = 40
_LISTED = 6


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A file or a symbolic link of the build context."""

    path: str
    content: Digest | None = None
    is_executable: bool = False
    link_target: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the context becomes an image; TAG and REVISION are no part of it."""

    dockerfile: Digest
    target: str
    args: Mapping[str, str]
    platforms: tuple[str, ...]


def fingerprint(entries: Iterable[Entry], recipe: Recipe) -> Digest:
    """Name the release that this context and recipe make."""
    lines: list[list[object]] = [
        [
            _FORMAT,
            str(recipe.dockerfile),
            recipe.target,
            sorted(recipe.args.items()),
            sorted(recipe.platforms),
        ]
    ]
    lines += [
        [entry.path, str(entry.content or ""), entry.is_executable, entry.link_target]
        for entry in sorted(entries)
    ]
    text = json.dumps(lines, ensure_ascii=True, separators=(",", ":"))
    return digest_of(text.encode("ascii"))


def check_links(entries: Iterable[Entry]) -> None:
    """Refuse symbolic links that lead out of the context.

    Raises:
        ContextEscape: naming each such link and its target.
    """
    links = {entry.path: entry.link_target for entry in entries if entry.link_target}
    escapes = [path for path in sorted(links) if _leads_out(path, links)]
    if escapes:
        listed = ", ".join(f"{shown(path)} -> {shown(links[path])}" for path in escapes[:_LISTED])
        more = f" and {len(escapes) - _LISTED} more" if len(escapes) > _LISTED else ""
        raise ContextEscape(
            f"symbolic links lead out of the build context: {listed}{more}",
            remedy="copy the files into the context, or name the links in .dockerignore",
        )


def _leads_out(path: str, links: Mapping[str, str]) -> bool:
    """Follow a link as the kernel would, component by component."""
    place = path.split("/")[:-1]
    waiting = links[path].split("/")
    if links[path].startswith("/"):
        return True
    hops = 1
    while waiting:
        part = waiting.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            if not place:
                return True
            place.pop()
            continue
        target = links.get("/".join([*place, part]))
        if target is None:
            place.append(part)
            continue
        hops += 1
        if target.startswith("/") or hops > _LINK_HOPS:
            return True
        waiting = target.split("/") + waiting
    return False
