"""Pulls that fail, stall or bring wrong bytes: the old container never notices."""

import os

import pytest

from rehearsal.layout import Layout
from tests.faults.remedies import command_of
from tests.server import machine
from tests.server.conftest import CHECKOUT, expect_good
from tests.server.driver import wait_until
from tests.server.observer import running, same_container

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


def test_d1_f13_a_registry_that_the_server_cannot_reach_changes_nothing(deployed, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180000", "new")
    with machine.without_registries():
        done = deployed.deploy(fresh)
    assert (done.exit_code, done.code) == (8, "ServerCannotPull"), done.text
    assert same_container(before, deployed.service())
    # It is asked again before it is given up.
    assert any(text.startswith("pull 3 of 3") for text in done.texts("progress")), done.text


def test_f14_an_expired_token_is_refused_and_left_nowhere(deployed, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180001", "new")
    secret = "c2VjcmV0LXRoYXQtaXMtd3Jvbmc"
    done = deployed.deploy_as("somebody", secret, fresh)
    assert (done.exit_code, done.code) == (8, "ServerCannotPull"), done.text
    assert same_container(before, deployed.service())
    assert secret not in done.text
    assert deployed.remote.run(f"grep -rF {secret} /home/deploy /dev/shm").stdout == ""


def test_d2_a_pull_that_stalls_is_given_up(deployed, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180002", "new")
    with machine.with_stalled_registries():
        done = deployed.deploy(fresh, pull_timeout=2)
    assert (done.exit_code, done.code) == (8, "ServerCannotPull"), done.text
    assert "no end after 2 s" in done.texts("seen")[0]
    assert same_container(before, deployed.service())
    assert not list(machine.inside("/dev/shm").glob("ci-deploy-*"))


def test_another_stacks_run_leaves_the_credential_of_a_pull_alone(stack, deployed, maker):
    fresh = maker.make("20260123-180007", "crash")
    memory = machine.inside("/dev/shm")
    with machine.with_stalled_registries():
        run = deployed.start(fresh)
        wait_until(lambda: list(memory.glob("ci-deploy-*/config.json")))
        assert stack.recover().exit_code == 0
        assert list(memory.glob("ci-deploy-*/config.json"))
    assert deployed.follow(run).code == "CrashLoop"


def test_d3_a_disk_that_fills_in_the_pull_is_named(deployed, image, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180003", "new", padding=os.urandom(1 << 20))
    with machine.with_full_disk("/var/lib/docker/tmp", "64k"):
        done = deployed.deploy(fresh)
    assert (done.exit_code, done.code) == (8, "DiskFull"), done.text
    assert same_container(before, deployed.service())
    assert fresh.reference not in deployed.observe("image", "ls", "--digests")
    # It asks before it removes what no container uses.
    deployed.remote.allowed(command_of(done.texts("remedy")[0]), b"y\n")
    again = deployed.deploy(fresh, candidate="off")
    assert (again.exit_code, again.code) == (0, "Done"), again.text
    expect_good(deployed, image("good"))


def test_d4_bytes_that_are_not_the_digests_are_not_run(deployed, maker):
    before = deployed.service()
    fresh = maker.make("20260123-180004", "new", Labels={"changed": "before"})
    blob = stored(fresh.config)
    blob.write_bytes(blob.read_bytes().replace(b"before", b"wicked"))
    done = deployed.deploy(fresh)
    assert (done.exit_code, done.code) == (6, "DigestMismatch"), done.text
    assert same_container(before, deployed.service())


def stored(digest):
    """The file that the registry keeps a blob in."""
    blobs = Layout(CHECKOUT).state / "registry" / "target" / "docker" / "registry" / "v2" / "blobs"
    name = digest.removeprefix("sha256:")
    return blobs / "sha256" / name[:2] / name / "data"


def test_d6_d11_a_tag_that_moved_is_nothing_to_it_and_the_same_digest_replaces_nothing(
    stack, maker
):
    wanted = maker.make("20260123-180005", "new")
    moved = maker.make("20260123-180005", "newer")
    assert wanted.digest != moved.digest
    first = stack.deploy(wanted, candidate="off")
    assert (first.exit_code, first.code) == (0, "Done"), first.text
    assert running(stack) == (wanted.reference, wanted.config)
    before = stack.service()
    again = stack.deploy(wanted, candidate="off")
    assert (again.exit_code, again.code) == (0, "Done"), again.text
    assert same_container(before, stack.service())
    assert any("already runs this digest" in text for text in again.texts("note")), again.text


def test_f16_without_a_way_back_a_deploy_wants_to_be_told_twice(
    stack, image, maker, session_skopeo
):
    first = maker.make("20260123-180006", "new")
    done = stack.deploy(first, candidate="off")
    assert done.exit_code == 0, done.text
    # While its container is there, Docker can put the image together again from what it keeps.
    stack.observe("rm", "--force", stack.service()[0]["Id"])
    kept = f"ci-kept/{stack.project}/web:{first.digest[7:19]}"
    stack.observe("rmi", "--force", first.reference, kept)
    session_skopeo.allowed("delete", "--tls-verify=false", f"docker://{first.reference}")
    stored(first.config).unlink()
    refused = stack.deploy(image("good"), candidate="off")
    # Nothing was changed; that nothing runs is said too.
    assert (refused.exit_code, refused.code) == (11, "NoRollbackTarget"), refused.text
    assert "not one container of web" in refused.texts("seen")[0]
    assert stack.service() == []
    back = stack.deploy(first, action="rollback", candidate="off")
    assert (back.exit_code, back.code) == (11, "NoRollbackTarget"), back.text
    done = stack.deploy(image("good"), candidate="off", accept_no_rollback="yes")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
