"""Background processes: started detached, known by pid and start time, stopped by nothing else."""

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import ServiceNotStarted
from rehearsal.layout import Layout

POLL_S = 0.05


def start_time(pid: int) -> str | None:
    """When the process started, in the kernel's ticks; None when there is no such process.

    A pid alone is no identity: after a reboot it is another process's.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold spaces and parentheses itself.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else fields[18]


@dataclass(frozen=True, slots=True)
class Daemon:
    """One background process of the rehearsal."""

    name: str
    command: Sequence[str]
    layout: Layout
    ready: Callable[[], bool]
    timeout_s: float = 20.0

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.layout.log / f"{self.name}.log"

    def ensure(self) -> bool:
        """Make it run and answer; False when it did already."""
        if recorded(self.layout, self.name) == tuple(self.command) and self.ready():
            return False
        stop(self.layout, self.name)
        pid = self._spawn()
        deadline = time.monotonic() + self.timeout_s
        while not self.ready():
            if start_time(pid) is None or time.monotonic() > deadline:
                seen = "ended" if start_time(pid) is None else "did not answer"
                stop(self.layout, self.name)
                raise ServiceNotStarted(
                    f"{self.name} {seen}\n{self._last_lines()}",
                    state="it is stopped; what was started before it runs on",
                    remedy=f"read {self.log}, then `make setup` again (`make clean` starts afresh)",
                )
            time.sleep(POLL_S)
        return True

    def _spawn(self) -> int:
        self.layout.log.mkdir(parents=True, exist_ok=True)
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not subprocess: its objects insist on being waited for, and this one is to outlive us.
        pid = os.posix_spawnp(
            self.command[0],
            list(self.command),
            os.environ | {"PYTHONPATH": str(self.layout.checkout)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        record = {"pid": pid, "started": start_time(pid), "command": self.command}
        path = pid_file(self.layout, self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record))
        return pid

    def _last_lines(self, count: int = 8) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"    {line}" for line in lines)


def pid_file(layout: Layout, name: str) -> Path:
    """Where pid, start time and command of a running daemon are kept."""
    return layout.state / "pids" / f"{name}.json"


def running(layout: Layout, name: str) -> int | None:
    """The pid of the daemon if it, and not a later process of that number, still runs."""
    try:
        record = json.loads(pid_file(layout, name).read_text())
    except (OSError, ValueError):
        return None
    pid = int(record["pid"])
    started = start_time(pid)
    return pid if started is not None and started == record["started"] else None


def recorded(layout: Layout, name: str) -> tuple[str, ...] | None:
    """The command that the running daemon was started with; None when it does not run."""
    if running(layout, name) is None:
        return None
    return tuple(json.loads(pid_file(layout, name).read_text())["command"])


def stop(layout: Layout, name: str, *, timeout_s: float = 20.0) -> bool:
    """End the daemon, gently and then firmly; False when it did not run."""
    pid = running(layout, name)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while running(layout, name) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            _reap(pid)
            time.sleep(POLL_S)
    pid_file(layout, name).unlink(missing_ok=True)
    return pid is not None


def _reap(pid: int) -> None:
    # Only a child of this very process can be a zombie of ours.
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
