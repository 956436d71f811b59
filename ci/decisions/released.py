"""What of a build context is released: what is sent to the build, and what counts as its source."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ci.decisions.dockerignore import Pattern, is_ignored, parse_dockerignore
from ci.decisions.render import render_size
from ci.errors import ContextTooLarge
from ci.oci.text import shown

# As lines of .dockerignore, for the engine and for us alike.
SECRETS = (
    *("**/.env", "**/.env.*", "!**/.env.example", "!**/.env.sample", "!**/.env.template"),
    *("**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx"),
    *("**/id_rsa*", "**/id_dsa*", "**/id_ecdsa*", "**/id_ed25519*", "!**/id_*.pub"),
    *("**/.ssh", "**/.gnupg", "**/.aws", "**/.kube", "**/.docker/config.json"),
    *("**/.netrc", "**/.pypirc", "**/.git-credentials"),
    *("**/.git", "**/.dagger"),
)
_MIB = 1024 * 1024
_LISTED, _LARGEST = 6, 5


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """A file or link of the context; a link has no size."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a context may be."""

    files: int
    size_mib: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The one place that decides what is released.

    Args:
        ignored: what .dockerignore leaves out.
        derived: paths that are made from other files: sent, and no part of the source.
        send_anyway: paths that are sent although they look like secrets.
    """

    ignored: tuple[Pattern, ...]
    derived: tuple[str, ...]
    send_anyway: tuple[str, ...] = ()

    def is_sent(self, path: str) -> bool:
        """Whether the build gets this file."""
        return not is_ignored(path, self.ignored) and not self.is_withheld(path)

    def is_counted(self, path: str) -> bool:
        """Whether this file makes the release what it is."""
        return self.is_sent(path) and not _is_under(path, self.derived)

    def is_withheld(self, path: str) -> bool:
        """Whether this file looks like a secret that nobody asked to send."""
        return is_ignored(path, _withheld(self.send_anyway))


@cache
def _withheld(send_anyway: tuple[str, ...]) -> tuple[Pattern, ...]:
    return parse_dockerignore("\n".join(exclusions(send_anyway)))


def exclusions(send_anyway: Sequence[str]) -> list[str]:
    """List the patterns that keep secrets from the build, as an engine takes them."""
    return [*SECRETS, *(f"!{path}" for path in send_anyway)]


def note_of_withheld(paths: Iterable[str], selection: Selection) -> str:
    """Say in one line what of `paths` is left out as a secret; "" when nothing is."""
    names = [path.rstrip("/") for path in paths]
    found = {
        _topmost(name, selection)
        for name in names
        if selection.is_withheld(name) and not is_ignored(name, selection.ignored)
    }
    if not found:
        return ""
    listed = ", ".join(shown(path) for path in sorted(found)[:_LISTED])
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return f"left out of the build as secrets: {listed}{more} (ci.toml: [build] send_anyway)"


def released_paths(paths: Iterable[str], context: str, selection: Selection) -> tuple[str, ...]:
    """Choose those of a repository's paths that count in the build context."""
    prefix = "" if context == "." else f"{context}/"
    inside = {path.removeprefix(prefix).rstrip("/") for path in paths if path.startswith(prefix)}
    return tuple(sorted(path for path in inside if path and selection.is_counted(path)))


def check_size(listed: Sequence[Listed], limits: Limits) -> None:
    """Refuse a context that nobody can have meant.

    Raises:
        ContextTooLarge: with the five paths that make it so.
    """
    size_bytes = sum(each.size_bytes for each in listed)
    if len(listed) > limits.files:
        folders = Counter(each.path.partition("/")[0] for each in listed).most_common(_LARGEST)
        top = ", ".join(f"{shown(name)} ({count})" for name, count in folders)
        _refuse(f"{len(listed)} files, more than {limits.files}; most in {top}", "max_files")
    if size_bytes > limits.size_mib * _MIB:
        largest = sorted(listed, key=lambda each: -each.size_bytes)[:_LARGEST]
        top = ", ".join(f"{shown(each.path)} ({render_size(each.size_bytes)})" for each in largest)
        size = f"{render_size(size_bytes)}, more than {limits.size_mib} MiB"
        _refuse(f"{size}; the largest: {top}", "max_size_mib")


def _refuse(what: str, key: str) -> None:
    raise ContextTooLarge(
        f"the build context has {what}",
        remedy=f"name what the image does not need in .dockerignore, or raise {key} in ci.toml",
    )


def _topmost(path: str, selection: Selection) -> str:
    """Name the folder that is left out as a whole, where there is one."""
    parts = path.split("/")
    starts = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return next((start for start in starts if selection.is_withheld(start)), path)


def _is_under(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
