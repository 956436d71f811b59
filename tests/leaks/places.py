"""Reading every place that a secret might be left in."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHUNK_BYTES = 1 << 22
SAMPLE_S = 0.005
OFTEN = 20
Secrets = dict[str, dict[str, bytes]]


def nothing(_: Path) -> bool:
    """Leaves nothing out."""
    return False


@dataclass
class Search:
    """Looks for secrets; `found` says where which was, `looked_at` how many bytes of what."""

    secrets: Secrets
    found: list[str] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._overlap = max(len(text) for forms in self.secrets.values() for text in forms.values())

    def look(self, place: str, where: str, content: bytes) -> None:
        """Look through some bytes."""
        self.looked_at[place] = self.looked_at.get(place, 0) + len(content)
        for secret, forms in self.secrets.items():
            for form, text in forms.items():
                if text in content:
                    self.found.append(f"{place}, {where}: {secret} as {form}")

    def look_through(
        self, place: str, root: Path, *, since: float = 0, but: Callable[[Path], bool] = nothing
    ) -> None:
        """Look through every file below `root`, unpacked as well.

        Args:
            since: the time (Unix) before which nothing can have been written.
            but: what is left out, because it is the declared place of a secret.
        """
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_file() or but(path):
                continue
            if path.stat().st_ctime < since:
                continue
            for content in pieces(path, self._overlap):
                self.look(place, str(path.relative_to(root)), content)


def pieces(path: Path, overlap: int) -> Iterator[bytes]:
    """A file's content in pieces that overlap; also what it holds where it is compressed."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        for opening in (open, gzip.open) if packed else (open,):
            with opening(path, "rb") as file:
                kept = b""
                while chunk := file.read(CHUNK_BYTES):
                    yield kept + chunk
                    kept = chunk[-overlap:]
    except (FileNotFoundError, EOFError, gzip.BadGzipFile):
        return


class Processes(threading.Thread):
    """Samples arguments and environment of every process of this machine, servers' included."""

    def __init__(self, search: Search) -> None:
        super().__init__(daemon=True)
        self._search, self._over = search, threading.Event()
        self._known: set[tuple[str, bytes]] = set()
        self._seen: dict[str, int] = {}
        self.looks = 0

    def run(self) -> None:
        while not self._over.is_set():
            self.looks += 1
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit() and self._is_due(folder.name):
                    self._sample(folder)
            time.sleep(SAMPLE_S)

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()
        self.join()

    def _is_due(self, process: str) -> bool:
        """A new process often changes what it runs; an old one is looked at now and then."""
        seen = self._seen[process] = self._seen.get(process, 0) + 1
        return seen < OFTEN or seen % OFTEN == 0

    def _sample(self, folder: Path) -> None:
        for name in ("cmdline", "environ"):
            try:
                content = (folder / name).read_bytes()
            except OSError:
                continue
            # What a process was started with hardly ever changes: each is looked at once.
            if content and (folder.name, content) not in self._known:
                self._known.add((folder.name, content))
                self._search.look(f"processes' {name}", content[:80].decode("latin-1"), content)
