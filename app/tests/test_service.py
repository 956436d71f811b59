"""The service over real HTTP, its database being absent or broken in every way that needs none."""

import subprocess
import sys
import threading
import time

import pytest

from tests.conftest import Answer, Start, free_port, service_environment
from tests.endpoints import (
    Behaviour,
    answer_nonsense,
    be_silent,
    drip,
    endpoint,
    hang_up,
    speak_http,
)

LIMIT_S = 0.5
# The limit, and what a busy machine adds to it.
BOUND_S = LIMIT_S + 1.0

BROKEN_DATABASES = {
    "silent": (be_silent, "timed out"),
    "dripping": (drip, "timed out"),
    "hangs up": (hang_up, "unreachable"),
    "speaks HTTP": (speak_http, "unreachable"),
    "answers nonsense": (answer_nonsense, "failed"),
}


def url(port: int) -> str:
    return f"postgresql://observer:hunter2@127.0.0.1:{port}/observer"


def test_without_a_database_the_service_is_ok(start: Start) -> None:
    answer = start().get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "ok", "database": "not configured"}


def test_an_empty_database_url_counts_as_unset(start: Start) -> None:
    assert start(DATABASE_URL="").get("/health").body["database"] == "not configured"


def test_a_database_that_is_down_makes_the_service_answer_503(start: Start) -> None:
    answer = start(DATABASE_URL=url(free_port())).get("/health")
    assert answer.status == 503
    assert answer.body == {"status": "degraded", "database": "unreachable"}


def test_an_optional_database_that_is_down_degrades_and_stays_200(start: Start) -> None:
    service = start(DATABASE_URL=url(free_port()), HEALTH_DATABASE="optional")
    answer = service.get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "degraded", "database": "unreachable"}


@pytest.mark.parametrize("behaviour", BROKEN_DATABASES.values(), ids=BROKEN_DATABASES.keys())
def test_a_broken_database_is_named_within_the_limit(
    start: Start, behaviour: tuple[Behaviour, str]
) -> None:
    serve, word = behaviour
    with endpoint(serve) as database:
        service = start(DATABASE_URL=url(database.port), HEALTH_LIMIT_S=str(LIMIT_S))
        answer = service.get("/health")
        assert database.connections >= 1
    assert answer.status == 503
    assert answer.body == {"status": "degraded", "database": word}
    assert answer.took_s < BOUND_S


def test_questions_at_one_time_share_one_connection_to_the_database(start: Start) -> None:
    answers: list[Answer] = []
    with endpoint(be_silent) as database:
        service = start(DATABASE_URL=url(database.port), HEALTH_LIMIT_S="1")
        askers = [
            threading.Thread(target=lambda: answers.append(service.get("/health")))
            for _ in range(10)
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        assert database.connections == 1
    assert [answer.status for answer in answers] == [503] * 10


def test_other_paths_answer_while_the_database_hangs(start: Start) -> None:
    with endpoint(be_silent) as database:
        service = start(DATABASE_URL=url(database.port), HEALTH_LIMIT_S="1.5")
        asker = threading.Thread(target=service.get, args=("/health",))
        asker.start()
        assert service.get("/version").took_s < 1
        asker.join()


def test_version_names_the_tag_and_the_revision(start: Start) -> None:
    service = start(APP_TAG="20260123-170510", APP_REVISION="0f3c2ab")
    assert service.get("/version").body == {"tag": "20260123-170510", "revision": "0f3c2ab"}


def test_version_says_unknown_where_the_image_was_built_without_them(start: Start) -> None:
    assert start().get("/version").body == {"tag": "unknown", "revision": "unknown"}


@pytest.mark.parametrize("path", ["/health", "/version"])
def test_no_answer_may_be_cached(start: Start, path: str) -> None:
    assert start().get(path).headers["cache-control"] == "no-store"


def test_the_password_is_not_logged(start: Start) -> None:
    service = start(DATABASE_URL=url(free_port()))
    service.get("/health")
    log = service.log.read_text()
    assert "database: unreachable" in log
    assert "hunter2" not in log


def test_the_log_has_a_line_for_a_change_and_none_for_a_probe(start: Start) -> None:
    service = start(DATABASE_URL=url(free_port()))
    for _ in range(5):
        service.get("/health")
    assert service.log.read_text().count("database:") == 1


def test_sigterm_ends_the_service_within_two_seconds(start: Start) -> None:
    service = start()
    service.get("/health")
    started = time.monotonic()
    service.process.terminate()
    service.process.wait(timeout=10)
    assert time.monotonic() - started < 2
    assert not service.listens()


def test_unusable_settings_stop_the_start_with_every_fault_and_no_password() -> None:
    environment = service_environment(
        DATABASE_URL="mysql://root:hunter2@db/x", HEALTH_DATABASE="maybe", HEALTH_LIMIT_S="60"
    )
    run = subprocess.run(
        [sys.executable, "-m", "observer"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert run.returncode == 2
    for name in ("SettingsInvalid", "DATABASE_URL", "HEALTH_DATABASE", "HEALTH_LIMIT_S"):
        assert name in run.stderr
    assert "hunter2" not in run.stderr
    assert len(run.stderr.splitlines()) == 3
