"""Errors as Dagger shows them to its client."""

from __future__ import annotations

from typing import Any

# Dagger cuts what it sends with an EXEC_ERROR at this many bytes a stream.
OUTPUT_LIMIT_BYTES = 100 * 1024


class EngineError(Exception):
    """A query failed; the text is what the client's QueryError says."""

    extensions: dict[str, Any] | None = None


class EngineLost(EngineError):
    """The Docker engine cannot be reached, or went away; clients know it by its type."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.extensions = {"_type": "ENGINE_LOST"}


class LayerTooLarge(EngineError):
    """A layer that the target is known to refuse; clients know it by its type."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.extensions = {"_type": "LAYER_TOO_LARGE"}


class Unsupported(EngineError):
    """The client asked for something outside the slice that is served."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is not served by the embedded engine; use Dagger (CI_ENGINE=dagger)"
        )


class ExecFailed(EngineError):
    """A command ended with an exit code that was not expected."""

    def __init__(
        self, command: list[str], exit_code: int, stdout: str, stderr: str, *, context: str = ""
    ) -> None:
        super().__init__(f"{context}exit code: {exit_code}")
        self.extensions = {
            "_type": "EXEC_ERROR",
            "cmd": command,
            "exitCode": exit_code,
            "stdout": stdout.strip()[-OUTPUT_LIMIT_BYTES:],
            "stderr": stderr.strip()[-OUTPUT_LIMIT_BYTES:],
        }
