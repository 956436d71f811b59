"""The service over real HTTP, its database being absent or broken in every way that needs none."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conftest import (
    PASSWORD,
    Answer,
    Service,
    Starter,
    database_url,
    free_port,
    service_environment,
)
from tests.endpoints import (
    Behaviour,
    Endpoint,
    answer_nonsense,
    be_silent,
    drip,
    endpoint,
    hang_up,
    speak_http,
)

LIMIT_S = 0.8
# The limit, and what a busy machine adds to it.
BOUND_S = LIMIT_S + 2.0

BROKEN_DATABASES = {
    "silent": (be_silent, "timed out"),
    "dripping": (drip, "timed out"),
    "hangs up": (hang_up, "unreachable"),
    "speaks HTTP": (speak_http, "unreachable"),
    "answers nonsense": (answer_nonsense, "failed"),
}


@pytest.fixture(scope="module")
def database() -> Iterator[Endpoint]:
    with endpoint(be_silent) as server:
        yield server


@pytest.fixture(scope="module")
def service(start: Starter, database: Endpoint) -> Service:
    """A service whose database is `database`."""
    return start(DATABASE_URL=database_url(database.port), HEALTH_LIMIT_S=str(LIMIT_S))


def test_without_a_database_the_service_is_ok(plain: Service) -> None:
    answer = plain.get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "ok", "database": "not configured"}


def test_a_database_that_is_down_makes_the_service_answer_503(bereft: Service) -> None:
    answer = bereft.get("/health")
    assert answer.status == 503
    assert answer.body == {"status": "degraded", "database": "unreachable"}


def test_an_optional_database_that_is_down_degrades_and_stays_200(start: Starter) -> None:
    optional = start(DATABASE_URL=database_url(free_port()), HEALTH_DATABASE="optional")
    answer = optional.get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "degraded", "database": "unreachable"}


@pytest.mark.parametrize("behaviour", BROKEN_DATABASES.values(), ids=BROKEN_DATABASES.keys())
def test_a_broken_database_is_named_within_the_limit(
    service: Service, database: Endpoint, behaviour: tuple[Behaviour, str]
) -> None:
    database.behaviour, word = behaviour
    before = database.connections
    answer = service.get("/health")
    assert database.connections > before
    assert answer.status == 503
    assert answer.body == {"status": "degraded", "database": word}
    assert answer.took_s < BOUND_S


def test_questions_at_one_time_share_one_connection_to_the_database(
    service: Service, database: Endpoint
) -> None:
    database.behaviour = be_silent
    before = database.connections
    answers: list[Answer] = []
    askers = [
        threading.Thread(target=lambda: answers.append(service.get("/health"))) for _ in range(10)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert database.connections - before == 1
    assert [answer.status for answer in answers] == [503] * 10


def test_other_paths_answer_while_the_database_hangs(service: Service, database: Endpoint) -> None:
    database.behaviour = be_silent
    hanging: list[Answer] = []
    asker = threading.Thread(target=lambda: hanging.append(service.get("/health")))
    asker.start()
    assert service.get("/version").status == 200
    assert not hanging, "the answer came after the hanging one"
    asker.join()
    assert hanging[0].body["database"] == "timed out"


def test_version_says_unknown_where_the_image_was_built_without_them(plain: Service) -> None:
    assert plain.get("/version").body == {"tag": "unknown", "revision": "unknown"}


@pytest.mark.parametrize("path", ["/health", "/version"])
def test_no_answer_may_be_cached(plain: Service, path: str) -> None:
    assert plain.get(path).headers["cache-control"] == "no-store"


def test_the_log_has_a_line_for_a_change_none_for_a_probe_and_no_password(bereft: Service) -> None:
    for _ in range(5):
        bereft.get("/health")
    log = bereft.log.read_text()
    assert log.count("database: unreachable") == 1
    assert log.count("database:") == 1
    assert "GET /health" not in log
    assert PASSWORD not in log


def test_version_names_the_release_and_sigterm_ends_it_in_time(
    start: Starter,
) -> None:
    released = start(APP_TAG="20260123-170510", APP_REVISION="0f3c2ab")
    assert released.get("/version").body == {"tag": "20260123-170510", "revision": "0f3c2ab"}
    started = time.monotonic()
    released.process.terminate()
    released.process.wait(timeout=10)
    assert time.monotonic() - started < 5
    assert not released.listens()


def test_unusable_settings_stop_the_start_with_every_fault_and_no_password() -> None:
    environment = service_environment(
        DATABASE_URL=f"mysql://root:{PASSWORD}@db/x", HEALTH_DATABASE="maybe", HEALTH_LIMIT_S="60"
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
    assert PASSWORD not in run.stderr
    assert len(run.stderr.splitlines()) == 3
