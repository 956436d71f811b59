"""Deploys as a person runs them: ./daggerw to the rehearsal server, whose own Docker judges."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.site import Site, fresh_site
from tests.server.driver import COMPOSE
from tests.server.images import Image
from tests.server.interruption import kill, seen_from_outside
from tests.server.observer import running, same_container, version
from tests.server.test_proof import STALE_UP

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
FIRST, SECOND, THIRD, FOURTH, FIFTH = (f"20260123-17051{number}" for number in range(5))
WAIT_S = 300


@dataclass(frozen=True, slots=True)
class Live:
    """A site that runs its second release; every test leaves it so."""

    site: Site
    first: Image
    second: Image
    proofs: tuple[str, str]


@pytest.fixture(scope="module")
def live(
    tmp_path_factory, server, credentials, maker, session_skopeo, docker_host
) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    sites = fresh_site(folder, server, credentials, maker, session_skopeo, docker_host)
    site = next(sites)
    first = site.publish(FIRST)
    before = site.allowed("deploy", "--tag", FIRST)
    second = site.publish(SECOND)
    proofs = (before, site.allowed("deploy", "--digest", second.digest))
    yield Live(site, first, second, proofs)
    next(sites, None)


@pytest.fixture
def site(tmp_path, server, credentials, maker, session_skopeo, docker_host):
    yield from fresh_site(tmp_path, server, credentials, maker, session_skopeo, docker_host)


@pytest.fixture
def good(live) -> Iterator[Live]:
    """The same, and the container of before the test must be there after it, never stopped."""
    before = live.site.stack.service()
    yield live
    assert same_container(before, live.site.stack.service())
    assert version(live.site.stack) == SECOND


def test_each_deploy_ends_in_the_proof_of_what_runs(live):
    for proof, image in zip(live.proofs, (live.first, live.second), strict=True):
        assert proof.splitlines()[-1] == image.reference
        assert image.config[:19] in proof
    assert "nothing" in live.proofs[0]
    assert FIRST in live.proofs[1]
    assert running(live.site.stack) == (live.second.reference, live.second.config)
    assert version(live.site.stack) == SECOND


def test_a_plan_shows_the_steps_and_touches_nothing(good):
    def everything() -> str:
        files = good.site.stack.remote.allowed(f"cd {good.site.stack.directory} && find . -ls")
        return files + good.site.stack.observe("ps", "--all", "--format", "{{.ID}} {{.Names}}")

    before = everything()
    steps = good.site.allowed("deploy", "--tag", SECOND, "--plan")
    assert everything() == before
    for step in ("pull", "candidate", "switch", "prove"):
        assert f"[ ] {step} " in steps
    assert "store" in steps


def test_a_bad_image_never_stops_the_good_one(good):
    good.site.publish(THIRD, "crash")
    said = good.site.refused("CrashLoop", "deploy", "--tag", THIRD)
    assert f"last words of {THIRD}" in said
    assert said.index("last words") < said.index("Error: CrashLoop")
    assert "now: S4, the release before" in said


def test_an_older_release_needs_to_be_asked_for(good):
    said = good.site.refused("WouldDowngrade", "deploy", "--tag", FIRST)
    assert "rollback" in said


def test_a_compose_file_that_nobody_deployed_is_shown_and_refused(good):
    place = f"{good.site.stack.directory}/docker-compose.yml"
    good.site.stack.remote.upload(place, COMPOSE.replace("2s", "9s").encode())
    try:
        said = good.site.refused("ComposeDrifted", "deploy", "--tag", SECOND)
        assert re.search(r"-\s+stop_grace_period: 9s", said)
        assert re.search(r"\+\s+stop_grace_period: 2s", said)
        good.site.allowed("deploy", "--tag", SECOND, "--replace")
        assert good.site.stack.remote.allowed(f"cat {place}") == COMPOSE
    finally:
        good.site.stack.remote.allowed(f"rm -f {place}")


def test_a_service_that_cannot_run_twice_is_refused_before_anything(good):
    good.site.configure(
        compose=COMPOSE.replace("init: true", "init: true\n    volumes: [data:/data]").replace(
            "depends_on", "network_mode: host\n    depends_on"
        )
        + "volumes: {data: {}}\n"
    )
    try:
        good.site.refused("CandidateUnsafe", "deploy", "--tag", SECOND)
    finally:
        good.site.configure()


def test_status_holds_registry_server_and_ledger_side_by_side(good):
    told = json.loads(good.site.allowed("--format", "json", "status"))
    assert [each["tag"] for each in told["ledger"]][-2:] == [SECOND, FIRST]
    assert told["host"]["running"][0]["reference"] == good.second.reference
    # Other tests of this site publish further ones.
    assert told["registry"]["newest"] >= SECOND
    away = good.site.allowed("--link", "tcp://127.0.0.1:9", "status")
    assert "SshUnreachable" in away
    assert "is not known" in away


def test_rollback_brings_the_release_before_from_the_registry(live):
    stack = live.site.stack
    stack.observe("image", "prune", "--all", "--force")
    proof = live.site.allowed("rollback")
    assert proof.splitlines()[-1] == live.first.reference
    assert running(stack) == (live.first.reference, live.first.config)
    assert version(stack) == FIRST
    assert "before it" in live.site.refused("NoRollbackTarget", "rollback")
    live.site.allowed("deploy", "--tag", SECOND)
    assert running(stack) == (live.second.reference, live.second.config)


def test_an_old_local_image_under_the_right_tag_is_no_success(live):
    site, stack = live.site, live.site.stack
    release = site.publish(FOURTH)
    tagged = f"{release.repository}:{FOURTH}"
    stack.observe("tag", live.second.reference, tagged)
    stack.remote.upload(f"{stack.directory}/stale.yaml", COMPOSE.encode())
    docker = root_of(site) / "usr" / "local" / "bin" / "docker"
    words = {"directory": stack.directory, "image": tagged, "project": stack.project}
    site.configure('candidate = "off"')
    docker.write_text(STALE_UP.format(**words))
    docker.chmod(0o755)
    try:
        said = site.refused("ProofFailed", "deploy", "--tag", FOURTH)
    finally:
        docker.unlink()
        site.configure()
    assert "now: S5, the release before" in said
    assert running(stack) == (live.second.reference, live.second.config)
    assert version(stack) == SECOND


def test_a_deploy_whose_client_is_killed_ends_by_itself(site):
    image = site.publish(FIRST, "slow")
    client = site.begin("deploy", "--tag", FIRST)
    try:
        wait_for_state(site, "candidate")
    finally:
        end_session(client.pid)
        client.communicate()
    wait_for_state(site, "settled")
    assert running(site.stack) == (image.reference, image.config)
    assert image.reference in site.allowed("recover")
    assert version(site.stack) == FIRST


def test_a_run_that_dies_on_the_server_is_settled_and_told(good):
    good.site.publish(FIFTH, "slow")
    client = good.site.begin("deploy", "--tag", FIFTH)
    try:
        assert kill(good.site.stack, wait_for_state(good.site, "candidate")) >= 1
        _, said = client.communicate(timeout=WAIT_S)
    finally:
        end_session(client.pid)
    assert client.returncode == 1
    assert "Error: RunKilled: " in said


def wait_for_state(site: Site, state: str) -> str:
    """Wait for a state of the journal; the run's id."""
    journal = seen_from_outside(site.stack, "journal")
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        text = journal.read_text() if journal.exists() else ""
        if f"state {state}\nnew " in text:
            return text.partition("\nnew ")[2].split()[0]
        time.sleep(0.02)
    pytest.fail(f"never came to {state}")


def end_session(pid: int) -> None:
    """SIGKILL a call and whatever it started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = (folder / "stat").read_text().rpartition(")")[2].split()[3]
        except OSError:
            continue
        if int(session) == pid:
            os.kill(int(folder.name), signal.SIGKILL)


def root_of(site: Site) -> Path:
    """The server's root directory, seen from this machine."""
    address = site.stack.docker_host.removeprefix("unix://")
    return Path(address.removesuffix("/run/docker.sock"))


def test_a_stack_that_somebody_started_by_hand_is_taken_over_only_when_asked(site):
    release, stack = site.publish(FIRST), site.stack
    theirs = f"{stack.directory}/theirs.yaml"
    stack.remote.upload(theirs, COMPOSE.encode())
    stack.remote.allowed(
        f"cd {stack.directory} && IMAGE=python:3.11-slim docker compose -p {stack.project}"
        f" -f {theirs} create web"
    )
    before = stack.service()
    said = site.refused("ProjectForeign", "deploy", "--tag", FIRST)
    assert "--adopt" in said
    assert same_container(before, stack.service())
    assert release.reference in site.allowed("deploy", "--tag", FIRST, "--adopt")
    assert running(stack) == (release.reference, release.config)
    assert version(stack) == FIRST
