"""A command as it is asked for, and what it writes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

NOT_STARTED = re.compile(
    r'exec: "[^"]*": .*?(not found in \$PATH|no such file or directory|permission denied)'
)


@dataclass(frozen=True)
class Command:
    """The arguments of withExec."""

    args: tuple[str, ...]
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: str = "SUCCESS"
    no_init: bool = False

    def key(self) -> list[Any]:
        """All of it decides the result."""
        return [list(self.args), *list(vars(self).values())[1:]]

    def accepts(self, exit_code: int) -> bool:
        """Whether the exit code is one that the caller asked for."""
        return self.expect == "ANY" or (exit_code == 0) == (self.expect == "SUCCESS")


@dataclass
class Output:
    """What a command wrote, per stream and in the order of arrival."""

    stdout: bytearray
    stderr: bytearray
    combined: bytearray

    @classmethod
    def empty(cls) -> Output:
        """Nothing yet."""
        return cls(bytearray(), bytearray(), bytearray())

    def take(self, stream: int, data: bytes) -> None:
        """Add what arrived on stream 1 or 2."""
        (self.stderr if stream == 2 else self.stdout).extend(data)
        self.combined.extend(data)
