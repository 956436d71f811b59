"""The whole path in one call: it fails where a stage fails, and run again it goes on from there."""

import subprocess
from datetime import UTC, datetime

import pytest

from tests.end_to_end.site import Site, fresh_site
from tests.server.images import SERVICE
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
DOCKERFILE = """\
FROM python:3.11-slim
COPY service.py /service.py
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=1s --timeout=5s --retries=30 CMD ["python3", "/service.py", "probe"]
ENTRYPOINT ["python3", "/service.py"]
ARG TAG
ENV MODE=good APP_TAG=$TAG
"""


@pytest.fixture
def site(tmp_path, server, credentials, maker, session_skopeo, docker_host):
    yield from fresh_site(tmp_path, server, credentials, maker, session_skopeo, docker_host)


def commit(site: Site) -> None:
    """Make the site's source a repository of its own."""
    (site.source / "Dockerfile").write_text(DOCKERFILE)
    (site.source / "service.py").write_text(SERVICE)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.test")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", site.source, *words], check=True)


def test_a_release_that_stopped_at_the_server_goes_on_there(site: Site):
    commit(site)
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
