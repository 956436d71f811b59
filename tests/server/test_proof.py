"""The story's false success, and what the proof rests on, on both image stores."""

import pytest

from tests.server.conftest import fresh_stack, started
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# A server whose `up` brings up what lies there under the release's tag, as the story's did.
STALE_UP = """#!/bin/sh
case " $* " in
*" up --detach --no-deps --no-build --pull never web "*)
    [ ! -e {directory}/stale-again ] || exec /usr/bin/docker "$@"
    touch {directory}/stale-again
    IMAGE={image} exec /usr/bin/docker compose --project-name {project} \\
        --project-directory {directory} --file {directory}/stale.yaml up --detach --no-deps web
    ;;
esac
exec /usr/bin/docker "$@"
"""


def plant_stale_image(stack, stale, release):
    """Put an old local image under the right tag, and a docker that starts it by that tag."""
    tagged = f"{release.repository}:{release.tag}"
    stack.observe("tag", stale.reference, tagged)
    values = {"directory": stack.directory, "image": tagged, "project": stack.project}
    stack.remote.upload(f"{stack.directory}/bin/docker", STALE_UP.format(**values).encode())
    stack.remote.allowed(
        f"chmod +x {stack.directory}/bin/docker; cp {stack.directory}/.ci/compose/*.yaml"
        f" {stack.directory}/stale.yaml"
    )


@pytest.mark.parametrize("shell", ["dash"], indirect=True)
def test_d5_d9_an_old_local_image_under_the_right_tag_is_no_success(stack, image):
    first = stack.deploy(image("good"), candidate="off")
    assert first.exit_code == 0, first.text
    release = image("second")
    plant_stale_image(stack, image("good"), release)
    path = f"{stack.directory}/bin:$PATH"
    done = stack.deploy_with_path(path, release, version_path="", candidate="off")
    assert (done.exit_code, done.code) == (10, "ProofFailed"), done.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert version(stack) == image("good").tag
    last = stack.remote.allowed(f"tail -n 1 {stack.directory}/.ci/ledger")
    assert image("good").digest in last


def test_d9_a_config_that_is_not_the_digests_is_no_success(deployed, image):
    before = running(deployed)
    done = deployed.deploy(image("second"), config=image("good").config)
    # The same with either store: the image is found by one of its names, or by none.
    assert (done.exit_code, done.code) == (10, "ProofFailed"), done.text
    assert running(deployed) == before


def test_d9_the_containerd_store_names_the_index_and_is_proven_too(
    credentials, image, target, mirror
):
    stacks = fresh_stack(started("containerd"), credentials, "dash")
    stack = next(stacks)
    try:
        done = stack.deploy(image("good"))
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        assert running(stack) == (image("good").reference, image("good").digest)
        assert version(stack) == image("good").tag
        bad = stack.deploy(image("crash"))
        assert (bad.exit_code, bad.code) == (10, "CrashLoop"), bad.text
        assert running(stack) == (image("good").reference, image("good").digest)
    finally:
        next(stacks, None)


def test_rollback_works_from_the_registry_after_everything_local_is_gone(stack, image):
    for mode in ("good", "second"):
        done = stack.deploy(image(mode), candidate="off")
        assert done.exit_code == 0, done.text
    stack.observe(
        "rmi",
        "--force",
        image("good").reference,
        f"ci-kept/{stack.project}/web:{short(image('good'))}",
    )
    done = stack.deploy(image("good"), action="rollback", candidate="off")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack) == (image("good").reference, image("good").config)


def test_only_the_last_proven_images_are_kept(stack, image):
    for mode in ("good", "second"):
        done = stack.deploy(image(mode), keep=1, candidate="off")
        assert done.exit_code == 0, done.text
    kept = stack.observe(
        "image", "ls", "--format", "{{.Tag}}", f"ci-kept/{stack.project}/web"
    ).split()
    assert kept == [short(image("second"))]


def short(image):
    return image.digest.removeprefix("sha256:")[:12]
