"""The two engines: a session on either, exported as the client looks for it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.engine.at import FROM_ENVIRONMENT, Session

# "dagger", or anything else for the embedded engine.
CHOICE = "CI_ENGINE"
VARIABLES = ("DAGGER_SESSION_PORT", "DAGGER_SESSION_TOKEN")


class DaggerMissing(LookupError):
    """No `dagger` command is on PATH."""


def is_embedded() -> bool:
    """Whether this run is on the embedded engine."""
    return os.environ.get(CHOICE) != "dagger"


@contextmanager
def engine_session() -> Iterator[Session]:
    """A session on the chosen engine; the secret of the environment is set before it."""
    os.environ[FROM_ENVIRONMENT] = "from the environment"
    try:
        with embedded_session() if is_embedded() else dagger_session():
            port, token = (os.environ[name] for name in VARIABLES)
            yield Session(port=int(port), token=token)
    finally:
        del os.environ[FROM_ENVIRONMENT]


def embedded_session() -> AbstractContextManager[object]:
    """A session of the embedded engine, on a thread of this process."""
    # Here, so that recording from a real engine needs no embedded one.
    from ci.embedded.server import session

    return session()


@contextmanager
def dagger_session() -> Iterator[None]:
    """A session of the `dagger` on PATH, with whatever engine that finds.

    Raises:
        DaggerMissing: there is none.
    """
    program = shutil.which("dagger")
    if program is None:
        raise DaggerMissing("no `dagger` on PATH: install it, or test the embedded engine")
    process = subprocess.Popen(
        [program, "--silent", "session"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        parameters = json.loads(process.stdout.readline())
        os.environ.update(
            zip(VARIABLES, (str(parameters["port"]), parameters["session_token"]), strict=True)
        )
        yield
    finally:
        for name in VARIABLES:
            os.environ.pop(name, None)
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
