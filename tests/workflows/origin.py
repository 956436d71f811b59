"""A repository that stands for the one at GitHub: this checkout's files, and tags of its own."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository's folder; its branch is main."""

    folder: Path

    def git(self, *words: str) -> str:
        """Run git there; what it printed."""
        settings = ("user.name=test", "user.email=test@localhost", "commit.gpgsign=false")
        options = [word for setting in settings for word in ("-c", setting)]
        command = ["git", *options, *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, path: str, text: str) -> str:
        """Append to a file and commit that; the commit."""
        with (self.folder / path).open("a") as file:
            file.write(text)
        self.git("commit", "--quiet", "--all", "--message", f"Change {path}")
        return self.git("rev-parse", "HEAD")


def make_origin(folder: Path) -> Origin:
    """Commit the checkout's files, as they are now, to a repository of their own."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in set(filter(None, listed.stdout.split("\0"))):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    origin = Origin(folder)
    origin.git("init", "--quiet", "--initial-branch", "main")
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "As checked out")
    return origin
