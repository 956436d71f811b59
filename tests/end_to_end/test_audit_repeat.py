"""The command that an audit prints repeats the stage that failed: as printed, from a checkout."""

import json
import shutil
import subprocess

import pytest

from tests.end_to_end.site import CHECKOUT, fresh_site
from tests.server.observer import running

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
FIRST, SECOND = "20260122-181500", "20260123-170510"


@pytest.fixture
def site(tmp_path, server, credentials, maker, session_skopeo, docker_host):
    """Its source is a checkout of the pipeline, as a team's own repository is."""
    folder = tmp_path / "site"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    yield from fresh_site(folder, server, credentials, maker, session_skopeo, docker_host)


def printed(site, stage, tag=""):
    """The command in the report, whose folder lies where the report says."""
    folder = site.source / "audit"
    shutil.rmtree(folder, ignore_errors=True)
    site.allowed("-o", str(folder), "audit", "--stage", stage, "--tag", tag)
    command = json.loads((folder / "report.json").read_text())["repeat"]
    assert command in (folder / "report.md").read_text()
    return command


def repeated(site, stage, tag=""):
    """What the printed command says, which must succeed."""
    done = subprocess.run(
        ["sh", "-c", printed(site, stage, tag)],
        cwd=site.source,
        env=site.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_stage_on_a_server_is_repeated_by_what_the_audit_prints(site):
    first, second = site.publish(FIRST), site.publish(SECOND)
    site.allowed("deploy", "--tag", FIRST)

    assert second.reference in repeated(site, "deploy", SECOND)
    assert running(site.stack)[0] == second.reference
    assert f"agree on {SECOND}" in repeated(site, "status")
    assert first.reference in repeated(site, "rollback")
    assert running(site.stack)[0] == first.reference
    assert second.reference in repeated(site, "rollback", SECOND)
    assert running(site.stack)[0] == second.reference
    repeated(site, "recover")
    assert running(site.stack)[0] == second.reference
