"""The image's HEALTHCHECK against the running service."""

import subprocess
import sys

from tests.conftest import Service, free_port, service_environment


def probe(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "observer.probe"],
        env=service_environment(PORT=str(port)),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_healthy_service_passes(plain: Service) -> None:
    result = probe(plain.port)
    assert result.returncode == 0
    assert '"status":"ok"' in result.stdout


def test_a_degraded_service_fails_and_the_reason_is_printed(bereft: Service) -> None:
    result = probe(bereft.port)
    assert result.returncode == 1
    assert result.stdout.startswith("503 ")
    assert '"unreachable"' in result.stdout


def test_nobody_listening_fails() -> None:
    result = probe(free_port())
    assert result.returncode == 1
    assert "ConnectionRefusedError" in result.stdout
