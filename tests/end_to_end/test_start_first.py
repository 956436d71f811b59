"""Start first as a person asks for it, by ci.toml: the whole call, and nobody notices a release."""

import pytest

from rehearsal.load import Load, figures
from tests.end_to_end.site import VERSIONED, fresh_site
from tests.server.driver import COMPOSE
from tests.server.fronted import COMPOSE as FRONTED
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
FIRST, SECOND, THIRD = (f"20260123-17051{number}" for number in range(3))
FRONT = f'{VERSIONED}\nfront = "front"'


@pytest.fixture
def site(tmp_path, proxied, credentials, maker, session_skopeo, docker_host):
    yield from fresh_site(tmp_path, proxied, credentials, maker, session_skopeo, docker_host)


def test_releases_come_and_go_back_without_a_lost_request(site):
    first, second = site.publish(FIRST), site.publish(SECOND)
    unfit = FRONTED.replace("    restart:", "    container_name: web\n    restart:", 1)
    for compose, reason in ((COMPOSE, "publishes ports itself"), (unfit, "container_name")):
        site.configure(FRONT, compose)
        assert reason in site.refused("CandidateUnsafe", "deploy", "--tag", FIRST)
        assert site.stack.service() == []
    site.configure(FRONT, FRONTED)
    assert site.allowed("deploy", "--tag", FIRST).splitlines()[-1] == first.reference
    host = site.stack.remote.server["SERVER_HOST"]
    with Load(host, site.stack.port, "/version", limit_s=60) as load:
        steps = site.allowed("deploy", "--tag", SECOND, "--plan")
        assert "with both on front" in steps
        site.allowed("deploy", "--tag", SECOND)
        assert running(site.stack) == (second.reference, second.config)
        site.publish(THIRD, "crash")
        site.refused("CrashLoop", "deploy", "--tag", THIRD)
        assert version(site.stack) == SECOND
        site.allowed("rollback")
        assert running(site.stack) == (first.reference, first.config)
    seen = figures(load.answers)
    assert seen.sent > 100
    assert seen.lost == 0
