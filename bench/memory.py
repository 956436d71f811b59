"""How much memory a command and all that it started take, looked at while it runs."""

import subprocess
import threading
import time
from pathlib import Path

EVERY_S = 0.05


class Peak:
    """The largest resident memory of a process and its descendants while entered, in bytes."""

    def __init__(self, pid: int) -> None:
        self.largest = 0
        self.first = resident(pid)
        self._pid, self._ended = pid, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.largest = max(self.largest, resident(self._pid))


def resident(pid: int) -> int:
    """Bytes of a process and its descendants; what two of them share is counted twice."""
    total, left = 0, [pid]
    while left:
        here = Path(f"/proc/{left.pop()}")
        try:
            pages = int((here / "statm").read_text().split()[1])
            for task in (here / "task").iterdir():
                left += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue  # It ended.
        total += pages * 4096
    return total


def watched(command: list[str], environ: dict[str, str], folder: Path) -> tuple[float, int]:
    """Run a command; its seconds and its peak. What it says is shown when it fails."""
    begun = time.perf_counter()
    with (
        subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        Peak(process.pid) as peak,
    ):
        said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command}: {said}")
    return time.perf_counter() - begun, peak.largest
