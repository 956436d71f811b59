"""The image's HEALTHCHECK against the running service."""

import subprocess
import sys

from tests.conftest import Start, free_port, service_environment


def probe(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "observer.probe"],
        env=service_environment(PORT=str(port)),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_healthy_service_passes(start: Start) -> None:
    result = probe(start().port)
    assert result.returncode == 0
    assert '"status":"ok"' in result.stdout


def test_a_degraded_service_fails_and_the_reason_is_printed(start: Start) -> None:
    database = f"postgresql://observer@127.0.0.1:{free_port()}/observer"
    result = probe(start(DATABASE_URL=database).port)
    assert result.returncode == 1
    assert result.stdout.startswith("503 ")
    assert '"unreachable"' in result.stdout


def test_a_degraded_service_passes_where_its_database_is_optional(start: Start) -> None:
    database = f"postgresql://observer@127.0.0.1:{free_port()}/observer"
    assert probe(start(DATABASE_URL=database, HEALTH_DATABASE="optional").port).returncode == 0


def test_nobody_listening_fails() -> None:
    result = probe(free_port())
    assert result.returncode == 1
    assert "ConnectionRefusedError" in result.stdout
