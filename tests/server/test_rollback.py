"""Ways back: with the compose file of then, from the registry; and those that are closed."""

import pytest

from tests.faults.remedies import command_of, commands_of
from tests.server import machine
from tests.server.driver import wait_until
from tests.server.interruption import held_at
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


def test_rollback_takes_the_release_with_its_compose_file_after_a_prune(stack, image):
    first = stack.with_compose("environment: {", 'environment: {OF: "first", ')
    for one, mode in ((first, "good"), (stack, "second")):
        done = one.deploy(image(mode), candidate="off", keep=1)
        assert done.exit_code == 0, done.text
    # Only what no container uses goes; older images were let go before, by `keep`.
    stack.observe("image", "prune", "--all", "--force")
    listed = stack.observe("image", "ls", "--digests", "--format", "{{.Digest}}").split()
    assert image("good").digest not in listed
    done = first.deploy(image("good"), action="rollback", downgrade="no", candidate="off")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert "OF=first" in stack.service()[0]["Config"]["Env"]


def test_x6_a_way_back_that_closed_in_the_switch_is_said_so(stack, image):
    done = stack.deploy(image("good"), candidate="off")
    assert done.exit_code == 0, done.text
    with held_at(stack, "switching", image("second"), candidate="off", window=60) as run:
        pass
    wait_until(lambda: [one["Config"]["Image"] for one in stack.service()] == [new(image)])
    kept = f"ci-kept/{stack.project}/web:{image('good').digest[7:19]}"
    with machine.without_registries():
        stack.observe("rmi", "--force", image("good").reference, kept)
        stack.observe("rm", "--force", stack.service()[0]["Id"])
        done = stack.follow(run)
    assert (done.exit_code, done.code) == (11, "RollbackImpossible"), done.text
    assert image("good").reference in done.texts("now")[0]
    # With the registry back, the next run finds the way.
    assert command_of(done.texts("remedy")[0]) == "./daggerw call recover"
    healed = stack.recover()
    assert (healed.exit_code, healed.code) == (0, "Done"), healed.text
    assert version(stack) == image("good").tag


def new(image):
    return image("second").reference


def test_x7_a_release_that_comes_back_ill_is_said_so(stack, image):
    done = stack.deploy(image("greets"), candidate="off")
    assert done.exit_code == 0, done.text
    stack.remote.upload(f"{stack.directory}/.env", f"GREETING=no\nPORT={stack.port}\n".encode())
    done = stack.deploy(image("crash"), candidate="off", timeout=10)
    assert (done.exit_code, done.code) == (11, "RollbackUnhealthy"), done.text
    assert "CrashLoop" in done.texts("seen")[0]
    assert running(stack)[0] == image("greets").reference
    listing, logs = commands_of(done.texts("remedy")[0])
    name = logs.split()[-1]
    assert name in stack.remote.allowed(listing)
    assert f"last words of {image('greets').tag}" in stack.remote.allowed(logs)
    good = stack.deploy(image("good"), candidate="off")
    # It needs no greeting.
    assert (good.exit_code, good.code) == (0, "Done"), good.text


def test_f10_what_an_interrupted_compose_left_is_removed(stack, image):
    done = stack.deploy(image("good"), candidate="off")
    assert done.exit_code == 0, done.text
    (container,) = stack.service()
    # As compose leaves it: made under a name of its own, never started, the old one gone.
    orphan = f"{container['Id'][:12]}_{container['Name'].removeprefix('/')}"
    labels = [f"--label={key}={value}" for key, value in container["Config"]["Labels"].items()]
    stack.observe("rm", "--force", container["Id"])
    stack.observe("create", "--name", orphan, *labels, image("good").reference)
    done = stack.deploy(image("second"), candidate="off")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert any(orphan in text for text in done.texts("note")), done.text
    assert running(stack) == (image("second").reference, image("second").config)
