"""A directory of the host is read while others work in it, and is left as it was."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ci.embedded.hostfiles import read_tree
from ci.embedded.patterns import Filter
from ci.embedded.store import Store
from ci.embedded.types.git import git


class Removes(Filter):
    """Removes a path between its being listed and its being read, as another process may."""

    def __init__(self, path: Path) -> None:
        super().__init__(None, None)
        self.path = path

    def keeps(self, path: str) -> bool:
        if path == self.path.name:
            shutil.rmtree(self.path) if self.path.is_dir() else self.path.unlink(missing_ok=True)
        return super().keeps(path)


@pytest.mark.parametrize("gone", ["file", "folder", "link"])
def test_what_is_removed_during_the_reading_is_not_there(tmp_path: Path, gone: str) -> None:
    root = tmp_path / "root"
    (root / "folder" / "inner").mkdir(parents=True)
    (root / "folder" / "inner" / "deep").write_text("deep")
    (root / "file").write_text("a lock of git's, say")
    (root / "link").symlink_to("file")
    (root / "stays").write_text("here")
    found = read_tree(str(root), Store(tmp_path / "state"), Removes(root / gone))
    assert not any(path.split("/")[0] == gone for path, _ in found)
    assert "stays" in dict(found)


def test_git_writes_nothing_when_it_is_asked_what_changed(tmp_path: Path) -> None:
    def run(*words: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", tmp_path, *author, *words], check=True, capture_output=True)

    (tmp_path / "file").write_text("one")
    run("init")
    run("add", "file")
    run("commit", "--message=one")
    # The same content with another time: git would note that in its index, under a lock.
    os.utime(tmp_path / "file", (1, 1))
    before = (tmp_path / ".git" / "index").read_bytes()
    assert asyncio.run(git(str(tmp_path), "status", "--porcelain")) == ""
    assert (tmp_path / ".git" / "index").read_bytes() == before
