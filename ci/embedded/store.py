"""What outlives a session: file contents by digest, and results by key."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from ci.embedded.tree import Entry, Tree

CHUNK_BYTES = 1 << 20
_SCHEMA = """
pragma journal_mode=wal; pragma synchronous=off;
create table if not exists results
  (key text primary key, value text, used real, image text, size_bytes integer)
"""


def key_of(*parts: Any) -> str:
    """A stable key of JSON-like parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Store:
    """A directory that any number of sessions use at the same time."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        for name in ("blobs", "tmp"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            self.root / "results.db", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.executescript(_SCHEMA)
        self.salt = self._once("salt", secrets.token_hex(16)).encode()
        self.id = self._once("id", secrets.token_hex(6))

    def close(self) -> None:
        """Give the database back."""
        self._db.close()

    def _once(self, name: str, value: str) -> str:
        """A value that the first session to need it decides for all."""
        path = self.root / name
        try:
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(value)
        except FileExistsError:
            # Another process may be between creating and writing it.
            while not (value := path.read_text()):
                time.sleep(0.01)
        return value

    # Results ----------------------------------------------------------------------------

    def get(self, key: str) -> Any | None:
        """The result kept under `key`, or None."""
        with self._lock:
            row = self._db.execute("select value from results where key=?", (key,)).fetchone()
            if row is not None:
                self._db.execute("update results set used=? where key=?", (time.time(), key))
        return json.loads(row[0]) if row else None

    def put(self, key: str, value: Any, *, image: str | None = None, size_bytes: int = 0) -> None:
        """Keep a JSON-like result, and the Docker image that it needs with its own size."""
        with self._lock:
            row = (key, json.dumps(value), time.time(), image, size_bytes)
            self._db.execute("insert or replace into results values (?,?,?,?,?)", row)

    # Contents ---------------------------------------------------------------------------

    def blob_path(self, digest: str) -> Path:
        """Where the content of a hex digest lies, or would."""
        return self.root / "blobs" / digest[:2] / digest

    def has_blob(self, digest: str) -> bool:
        """Whether the content is here."""
        return self.blob_path(digest).exists()

    def put_bytes(self, data: bytes) -> str:
        """Keep some bytes; returns their hex SHA-256."""
        digest = hashlib.sha256(data).hexdigest()
        if not self.has_blob(digest):
            with self.writer() as writer:
                writer.write(data)
                writer.commit()
        return digest

    def put_stream(self, stream: BinaryIO) -> tuple[str, int]:
        """Keep a stream; returns hex SHA-256 and size in bytes."""
        with self.writer() as writer:
            while chunk := stream.read(CHUNK_BYTES):
                writer.write(chunk)
            return writer.commit()

    def writer(self) -> BlobWriter:
        """A new content whose digest is known only at its end."""
        return BlobWriter(self)

    def read_bytes(self, digest: str) -> bytes:
        """The content of a hex digest."""
        return self.blob_path(digest).read_bytes()

    def put_tree(self, tree: Tree) -> str:
        """Keep a tree; returns the digest to load it by."""
        return self.put_bytes(json.dumps(tree.entries).encode())

    def tree(self, digest: str) -> Tree | None:
        """The tree kept under a digest, if it and all its contents are still here."""
        try:
            rows = json.loads(self.read_bytes(digest))
        except FileNotFoundError:
            return None
        entries = {path: Entry(*row) for path, row in rows.items()}
        complete = all(self.has_blob(e.content) for e in entries.values() if e.kind == "f")
        return Tree(entries) if complete else None

    def new_file(self, data: bytes, mode: int = 0o644) -> Entry:
        """An entry for some bytes."""
        return Entry("f", mode, content=self.put_bytes(data), size=len(data))

    # Size -------------------------------------------------------------------------------

    def prune(self, limit_bytes: int, *, keep_newer_than: float) -> list[str]:
        """Forget what was used longest ago until both contents and images fit `limit_bytes`.

        Returns the Docker images that nothing refers to any more. Nothing used after
        `keep_newer_than` (Unix time) is touched: another session may be at work with it.
        """
        blobs = [(path.stat(), path) for path in (self.root / "blobs").glob("*/*")]
        total = sum(stat.st_size for stat, _ in blobs)
        for stat, path in sorted(blobs, key=lambda item: max(item[0].st_atime, item[0].st_mtime)):
            if total <= limit_bytes or max(stat.st_atime, stat.st_mtime) > keep_newer_than:
                break
            path.unlink(missing_ok=True)
            total -= stat.st_size
        with self._lock:
            rows = self._db.execute(
                "select key, image, size_bytes, used from results order by used"
            ).fetchall()
            held = sum(row[2] for row in rows)
            gone = []
            for key, image, size_bytes, used in rows:
                if image and held > limit_bytes and used < keep_newer_than:
                    self._db.execute("delete from results where key=?", (key,))
                    gone.append(image)
                    held -= size_bytes
        return gone


class BlobWriter:
    """Writes a content beside the others and renames it to its digest when it is complete."""

    def __init__(self, store: Store) -> None:
        self._store = store
        file, self._path = tempfile.mkstemp(dir=store.root / "tmp")
        self._file = os.fdopen(file, "wb")
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        Path(self._path).unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append."""
        self._hash.update(data)
        self._file.write(data)
        self.size_bytes += len(data)

    def commit(self) -> tuple[str, int]:
        """Finish; returns hex SHA-256 and size in bytes."""
        self._file.close()
        digest = self._hash.hexdigest()
        target = self._store.blob_path(digest)
        target.parent.mkdir(exist_ok=True)
        os.replace(self._path, target)
        return digest, self.size_bytes
