"""Images that must never replace the good one: it goes on serving, and the reason is told."""

import pytest

from tests.server.crew import check_all, chosen
from tests.server.driver import Value, wait_until
from tests.server.interruption import held_at
from tests.server.observer import running, same_container, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

UNASKED: dict[str, Value] = {"health_path": "", "port": "", "version_path": ""}
# Row: the image's fault, what the plan says besides, the code that the transaction ends with.
FAULTS: dict[str, tuple[str, dict[str, Value], str]] = {
    "G1 Docker unhealthy, HTTP 200": ("unhealthy", {}, "HealthDisagree"),
    "G2 Docker healthy, HTTP 500": ("error", {}, "HealthDisagree"),
    "G3 crashes at once": ("crash", {}, "CrashLoop"),
    "G3 crashes after 0.2 s": ("lives-0.2", {"window": 3}, "CrashLoop"),
    "G3 crashes after 2 s": ("lives-2", {"window": 10}, "CrashLoop"),
    "G4 healthy, then dies in the window": ("lives-4", {"window": 10}, "CrashLoop"),
    "G6 never healthy": ("error", {"timeout": 3}, "HealthTimeout"),
    "G7 redirects": ("redirects", {"timeout": 3}, "HealthTimeout"),
    "G7 never answers": ("hangs", {"timeout": 3}, "HealthTimeout"),
    "G7 answers without end": ("floods", {}, "WrongVersion"),
    "G8 unhealthy is not healthy": ("unhealthy", UNASKED, "Unhealthy"),
    "G10 another version answers": ("version", {}, "WrongVersion"),
    "G11 flaps": ("flaps", {"timeout": 6, "window": 10}, "HealthTimeout"),
    "X15 says secrets and commands": ("talks", {}, "CrashLoop"),
}


@pytest.fixture(scope="module")
def results(request, crew, image):
    images = {row: image(FAULTS[row][0]) for row in chosen(request, "row") if row in FAULTS}
    good = image("good")

    def check(stack, row):
        _, changes, code = FAULTS[row]
        before = stack.service()
        done = stack.deploy(images[row], **changes)
        assert (done.exit_code, done.code) == (10, code), done.text
        assert same_container(before, stack.service())
        assert version(stack) == good.tag
        last_words = f"last words of {images[row].tag}"
        assert any(last_words in line for line in done.texts("log")), done.text
        candidate = f"name=ci-candidate-{stack.project}"
        assert stack.observe("ps", "--all", "--quiet", "--filter", candidate) == ""

    return check_all(crew, check, images)


@pytest.mark.parametrize("row", FAULTS)
def test_a_bad_image_never_replaces_the_good_one(results, row):
    results[row].result()


def test_w12_what_a_container_says_is_shown_without_secrets_and_commands(stack, image):
    secret = "correct-horse+battery/staple"
    environment = f"GREETING=hello\nPORT={stack.port}\nSECRET='{secret}'\n"
    stack.remote.upload(f"{stack.directory}/.env", environment.encode())
    speaking = stack.with_compose("environment: {", 'environment: {SECRET: "${SECRET}", ')
    done = speaking.deploy(image("talks"))
    assert (done.exit_code, done.code) == (11, "CrashLoop"), done.text
    assert secret not in done.text
    assert ": :error:: *** # # [group]" in done.texts("log"), done.text


def test_g12_a_container_that_runs_out_of_memory_is_told_so(deployed, image):
    before = deployed.service()
    small = deployed.with_compose("    restart:", "    mem_limit: 64m\n    restart:")
    done = small.deploy(image("eats"), window=10)
    assert (done.exit_code, done.code) == (10, "OOMKilled"), done.text
    assert same_container(before, deployed.service())


def test_g9_an_image_without_a_sign_of_health_is_refused(deployed, maker):
    before = deployed.service()
    silent = maker.make("20260123-180100", "new", Healthcheck={"Test": ["NONE"]})
    done = deployed.deploy(silent, **UNASKED)
    assert (done.exit_code, done.code) == (8, "NoHealthSignal"), done.text
    assert same_container(before, deployed.service())


# Row: what is wrong with the image or the compose file; with a candidate or without; the code.
STARTS = {
    "D7 a command that is not there": ("on", "CandidateFailed"),
    "D7 the same without a candidate": ("off", "ComposeFailed"),
}


@pytest.mark.parametrize("row", STARTS)
def test_what_cannot_be_started_ends_with_the_good_one_proven(deployed, image, broken, row):
    candidate, code = STARTS[row]
    done = deployed.deploy(broken, candidate=candidate)
    assert (done.exit_code, done.code) == (10, code), done.text
    assert running(deployed) == (image("good").reference, image("good").config)
    assert version(deployed) == image("good").tag


@pytest.fixture(scope="module")
def broken(maker):
    return maker.make("20260123-180101", "new", Entrypoint=["/no/such/program"])


def test_d8_a_dependency_that_crashes_again_and_again_is_not_up(stack, image):
    old = '    command: ["sleep", "infinity"]\n'
    new = '    command: ["sh", "-c", "sleep 0.2; exit 1"]\n    restart: always\n'
    done = stack.with_compose(old, new).deploy(image("good"), timeout=8, window=10)
    assert (done.exit_code, done.code) == (11, "DependencyFailed"), done.text
    assert stack.service() == []


def test_d10_a_container_that_a_third_party_replaces_is_never_success(deployed, image):
    with held_at(deployed, "switching", image("second"), candidate="off", window=60) as run:
        pass
    # Not before it is judged: until then compose may still be at it, and sees the removal itself.
    said = f"cat {deployed.directory}/.ci/out/{run}"
    wait_until(lambda: " s: running" in deployed.remote.allowed(said))
    assert seen_as(deployed) == [image("second").reference]
    deployed.observe("rm", "--force", deployed.service()[0]["Id"])
    done = deployed.follow(run)
    assert (done.exit_code, done.code) == (10, "ProofLost"), done.text
    assert running(deployed) == (image("good").reference, image("good").config)


def seen_as(stack):
    """The references that run under the service's name just now."""
    found = stack.service()
    return [one["Config"]["Image"] for one in found if one["State"]["Running"]]


@pytest.mark.parametrize("mode", ["crash", "error"])
def test_x8_without_a_candidate_the_good_one_is_brought_back(deployed, image, mode):
    done = deployed.deploy(image(mode), candidate="off")
    codes = {"crash": "CrashLoop", "error": "HealthDisagree"}
    assert (done.exit_code, done.code) == (10, codes[mode]), done.text
    assert running(deployed) == (image("good").reference, image("good").config)
    assert version(deployed) == image("good").tag
    assert any(f"last words of {image(mode).tag}" in line for line in done.texts("log")), done.text


def test_g5_a_slow_start_is_waited_for(deployed, image):
    done = deployed.deploy(image("slow"))
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(deployed) == (image("slow").reference, image("slow").config)
    back = deployed.deploy(image("good"), action="rollback")
    assert (back.exit_code, version(deployed)) == (0, image("good").tag), back.text


def test_g6_a_start_slower_than_its_limit_ends_at_the_limit(deployed, image):
    before = deployed.service()
    # Far slower: the limit counts from the first look, which a busy machine takes late.
    done = deployed.deploy(image("slow-600"), timeout=3)
    # On a very busy one Docker may have given it up before the next look.
    assert done.exit_code == 10, done.text
    assert done.code in ("HealthTimeout", "Unhealthy")
    assert same_container(before, deployed.service())


def test_f15_a_first_deploy_that_fails_says_that_nothing_ran_before(stack, image):
    done = stack.deploy(image("crash"))
    assert (done.exit_code, done.code) == (11, "CrashLoop"), done.text
    assert stack.service() == []
