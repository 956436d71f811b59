"""The service beside a real PostgreSQL.

Skipped where the programs are missing, as in the image's test stage; with CI_POSTGRES=1 a missing
program is a failure.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import Starter, free_port

PASSWORD = "p@ss:w/ord %41"  # a URL would have to escape it, PGPASSWORD takes it as it is
PROGRAMS = {name: shutil.which(name) for name in ("initdb", "postgres")}
# PostgreSQL refuses to run as root.
USER = "nobody" if os.geteuid() == 0 else None

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        not all(PROGRAMS.values()) and not os.environ.get("CI_POSTGRES"),
        reason="needs the programs initdb and postgres",
    ),
]


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL server on the loopback address that can be stopped, started and frozen."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the cluster: one superuser with a password, as the official image does."""
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if USER:
            shutil.chown(self.folder, USER)
            shutil.chown(secret, USER)
        subprocess.run(
            f"initdb --pgdata {self.folder}/data --pwfile {secret} --username observer"
            " --auth scram-sha-256 --no-sync --no-locale --encoding=UTF8".split(),
            user=USER,
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def start(self) -> None:
        """Start the server and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                f"postgres -D {self.folder}/data -k {self.folder} -p {self.port}"
                " -c listen_addresses=127.0.0.1 -c fsync=off".split(),
                user=USER,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        limit = time.monotonic() + 20
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", self.port)):
                assert time.monotonic() < limit, (self.folder / "log").read_text()
                time.sleep(0.05)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server and all its children."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """End the server at once."""
        if self.process and self.process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=10)

    @property
    def variables(self) -> dict[str, str]:
        """What the service needs to reach it."""
        url = f"postgresql://observer@127.0.0.1:{self.port}/postgres"
        return {"DATABASE_URL": url, "PGPASSWORD": PASSWORD}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="observer-pg-") as folder:
        server = Postgres(Path(folder))
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def has_time_left(since: float, limit_s: float = 10) -> bool:
    """Return whether there is time left since then; waits a little."""
    time.sleep(0.1)
    return time.monotonic() - since < limit_s


def test_a_database_that_answers_makes_the_service_ok(start: Starter, postgres: Postgres) -> None:
    answer = start(**postgres.variables).get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "ok", "database": "ok"}


def test_a_wrong_password_is_a_failed_database(start: Starter, postgres: Postgres) -> None:
    service = start(**postgres.variables | {"PGPASSWORD": "wrong"})
    assert service.get("/health").body == {"status": "degraded", "database": "failed"}
    assert "InvalidPasswordError" in service.log.read_text()


def test_a_missing_database_is_a_failed_database(start: Starter, postgres: Postgres) -> None:
    url = f"postgresql://observer@127.0.0.1:{postgres.port}/absent"
    service = start(**postgres.variables | {"DATABASE_URL": url})
    assert service.get("/health").body["database"] == "failed"


def test_health_follows_the_database_down_and_up_again(start: Starter, postgres: Postgres) -> None:
    service = start(**postgres.variables)
    assert service.get("/health").status == 200
    postgres.stop()
    down = service.get("/health")
    assert (down.status, down.body["database"]) == (503, "unreachable")
    postgres.start()
    began = time.monotonic()
    while service.get("/health").status != 200:
        assert has_time_left(began), service.log.read_text()


def test_a_frozen_database_times_out_within_the_limit_and_comes_back(
    start: Starter, postgres: Postgres
) -> None:
    service = start(**postgres.variables, HEALTH_LIMIT_S="0.5")
    assert service.get("/health").status == 200
    postgres.signal_all(signal.SIGSTOP)
    for _ in range(3):
        frozen = service.get("/health")
        assert (frozen.status, frozen.body["database"]) == (503, "timed out")
        assert frozen.took_s < 2.5
    postgres.signal_all(signal.SIGCONT)
    began = time.monotonic()
    while service.get("/health").status != 200:
        assert has_time_left(began), service.log.read_text()


def test_checks_leave_no_connection_behind(start: Starter, postgres: Postgres) -> None:
    service = start(**postgres.variables)
    for _ in range(20):
        assert service.get("/health").status == 200
    began = time.monotonic()
    while _connections_of(postgres):
        assert has_time_left(began), "connections stay open"


def _connections_of(postgres: Postgres) -> int:
    # A backend names itself in its command line: "postgres: observer postgres 127.0.0.1(port) …".
    assert postgres.process is not None
    lines = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(postgres.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    return sum("127.0.0.1(" in line for line in lines)
