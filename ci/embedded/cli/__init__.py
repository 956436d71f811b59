"""`functions` and `call` for Python Dagger modules, on the embedded engine.

Words, options, output and exit codes are those of Dagger v0.21.8's CLI.
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Run a command line such as ``["call", "build", "--platform", "linux/arm64"]``.

    Returns:
        The exit code: 0, 1, that of a failed command inside a container, or 130 after Ctrl-C.
    """
    from .app import run

    return run(argv)
