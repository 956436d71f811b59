"""What is found before anything is changed, and plans that are not obeyed."""

import pytest

from tests.server.driver import COMPOSE, Value
from tests.server.observer import same_container

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]

# Changes of the plan: the code that refuses it.
REFUSED: dict[str, tuple[dict[str, Value], str]] = {
    "X11 an older release than the running one": (
        {"downgrade": "no", "tag": "20200101-000000"},
        "WouldDowngrade",
    ),
    "F12 another platform": ({"platform": "linux/arm64"}, "PlatformMissing"),
    "F4 more room than there is": ({"need_kib": 9_999_999_999}, "DiskFull"),
    "F7 a service that is not there": ({"service": "nothing"}, "ComposeInvalid"),
    "F8 an image of its own": ({"service": "store"}, "ImageNotControlled"),
}
# A release that nobody asks over HTTP, and that has no health check either.
UNASKED = {"health_path": "", "port": "", "version_path": "", "allow_no_health": "yes"}
# Not plans: the exit code is 12 and nothing was begun.
MALFORMED = {
    "a shell's words": {"tag": "$(id)"},
    "two words": {"tag": "a b"},
    "an option": {"project": "-v"},
    "a digest too short": {"digest": "sha256:abc"},
    "upper-case digits": {"config": "sha256:" + "A" * 64},
    "an unknown key": {"surprise": "x"},
    "a newer grammar": {"plan": 2},
    "no digest": {"digest": ""},
    "no number": {"port": "80x"},
    "a relative directory": {"directory": "there"},
    "another directory": {"directory": "/home/deploy"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_changed(deployed, image, case):
    changes, code = REFUSED[case]
    before = deployed.service()
    done = deployed.deploy(image("crash"), **changes)
    assert (done.exit_code, done.code) == (8, code), done.text
    assert same_container(before, deployed.service())


@pytest.fixture(scope="module")
def answers(deployed, image):
    """What the launcher says to each malformed plan, and the container before and after."""
    before = deployed.service()
    plans = {case: deployed.plan(image("good"), **MALFORMED[case])[1] for case in MALFORMED}
    plans["cut short"] = deployed.plan(image("good"))[1].removesuffix(b"end\n")
    names = {case: f"bad-{number}" for number, case in enumerate(plans)}
    home = f"{deployed.directory}/.ci"
    files = {f"plans/{names[case]}": plan for case, plan in plans.items()}
    deployed.remote.upload_all(home, files)
    start = deployed.verb(f"start {deployed.directory} $name")
    text = deployed.remote.allowed(
        f"for name in {' '.join(names.values())}; do {start} </dev/null; echo $name $?; done"
    )
    said = {case: text.partition(f"{name} 12\n") for case, name in names.items()}
    return said, before, deployed.service()


@pytest.mark.parametrize("case", [*MALFORMED, "cut short"])
def test_a_malformed_plan_is_not_obeyed(answers, case):
    said, before, after = answers
    told, exit_12, _ = said[case]
    assert exit_12, told
    assert told.splitlines()[-1] == "- end 12 PlanInvalid"
    assert same_container(before, after)


def test_f6_a_variable_that_nobody_set_is_named(stack, image):
    stack.remote.upload(f"{stack.directory}/.env", f"PORT={stack.port}\n".encode())
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (8, "EnvUnset"), done.text
    assert "GREETING" in done.texts("seen")[0]
    assert stack.service() == []


# The compose file's fault: the code.
FILES = {
    "F5 an env_file that is not there": (
        "    restart:",
        "    env_file: none.env\n    restart:",
        "EnvMissing",
    ),
    "F7 a compose file that is none": ("services:", "services: [", "ComposeInvalid"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_compose_file_that_cannot_be_used_is_named(deployed, image, case):
    old, new, code = FILES[case]
    before = deployed.service()
    done = deployed.with_compose(old, new).deploy(image("good"))
    assert (done.exit_code, done.code) == (8, code), done.text
    assert same_container(before, deployed.service())


def test_f9_a_stack_of_somebody_else_is_taken_over_only_when_asked(stack, image):
    stack.remote.upload(f"{stack.directory}/theirs.yaml", COMPOSE.encode())
    reference = "python:3.11-slim"
    command = COMPOSE.replace(
        "    restart: unless-stopped\n", '    command: ["sleep", "infinity"]\n    init: true\n'
    )
    stack.remote.upload(f"{stack.directory}/theirs.yaml", command.encode())
    stack.remote.allowed(
        f"cd {stack.directory} && IMAGE={reference} docker compose -p {stack.project}"
        " -f theirs.yaml up -d web store"
    )
    before = stack.service()
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (8, "ProjectForeign"), done.text
    assert same_container(before, stack.service())
    # A failure before the switch leaves it as it is; it is proven by its image alone.
    bad = stack.deploy(image("crash"), adopt="yes", **UNASKED)
    assert (bad.exit_code, bad.code) == (10, "CrashLoop"), bad.text
    assert same_container(before, stack.service())
    done = stack.deploy(image("good"), adopt="yes")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
