"""The whole path in one call: it fails where a stage fails, and run again it goes on from there."""

from datetime import UTC, datetime

import pytest

from tests.end_to_end.site import Site, fresh_site
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def site(tmp_path, server, credentials, maker, session_skopeo, docker_host):
    yield from fresh_site(tmp_path, server, credentials, maker, session_skopeo, docker_host)


def test_a_release_that_stopped_at_the_server_goes_on_there(site: Site):
    site.commit()
    tag = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    place = f"{site.stack.directory}/.env"
    environment = site.stack.remote.allowed(f"cat {place}")
    site.stack.remote.upload(place, f"PORT={site.stack.port}\n".encode())
    said = site.refused("EnvUnset", "release", "--tag", tag)
    assert "build linux/amd64" in said or "health" in said
    assert site.stack.service() == []

    site.stack.remote.upload(place, environment.encode())
    done = site.call("release", "--tag", tag)
    assert done.returncode == 0, done.stderr
    assert "the tag holds this release already" in done.stderr
    assert "build linux/amd64" not in done.stderr
    reference = done.stdout.splitlines()[-1]
    assert reference.startswith(f"{site.maker.repository}@sha256:")
    assert running(site.stack)[0] == reference
    assert version(site.stack) == tag
