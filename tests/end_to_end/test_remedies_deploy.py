"""What is said to do where a server cannot go back or was left half way: done as it is printed."""

from collections.abc import Iterator

import pytest

from ci.decisions.outcome import error_of_run
from ci.decisions.transcript import Transcript
from tests.end_to_end.desk import Desk, set_up
from tests.end_to_end.site import Site, fresh_site
from tests.faults.remedies import command_of, commands_of
from tests.server.interruption import kill_at
from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
FIRST, SECOND = "20260122-181500", "20260123-170510"


@pytest.fixture(scope="module")
def site(
    tmp_path_factory, server, credentials, maker, session_skopeo, docker_host
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    yield from fresh_site(folder, server, credentials, maker, session_skopeo, docker_host)


@pytest.fixture(scope="module")
def desk(site: Site) -> Desk:
    registry = site.maker.repository.partition("/")[0]
    defaults = {
        "source": str(site.source),
        "via": f"tcp://{registry}",
        "user": site.credentials.user,
        "token": f"file:{site.credentials.token_file}",
    }
    for name in ("deploy", "rollback", "recover", "status"):
        defaults[f"{name}_key"] = f"file:{site.stack.remote.server['SERVER_KEY_FILE']}"
        defaults[f"{name}_known"] = site.stack.remote.server["SERVER_KNOWN_HOSTS"]
    return set_up(site.source, site.docker_host, defaults)


@pytest.fixture(scope="module")
def releases(site: Site, desk: Desk):
    """Two releases, the second on top: the first deployed by what is said where none was."""
    found = {tag: site.publish(tag) for tag in (FIRST, SECOND)}
    remedy = desk.refused("NoRollbackTarget", "rollback")
    desk.does(command_of(remedy).replace("TAG", FIRST))
    assert version(site.stack) == FIRST
    done = site.stack.deploy(found[SECOND], candidate="off")
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    return found


def plan_of(site: Site, tag: str) -> str:
    """The newest plan that deployed a release, by the server's ledger."""
    lines = site.stack.remote.allowed(f"cat {site.stack.directory}/.ci/ledger").splitlines()
    name = next(line.split()[1] for line in reversed(lines) if line.split()[2] == tag)
    return f"{site.stack.directory}/.ci/plans/{name}"


def test_where_no_release_was_proven_the_command_deploys_one(site: Site, releases):
    # The fixture typed it; the second was deployed on top, by the same plan's words.
    assert version(site.stack) == SECOND
    ledger = site.stack.remote.allowed(f"cat {site.stack.directory}/.ci/ledger")
    assert ledger.index(releases[FIRST].reference) < ledger.index(releases[SECOND].reference)


# Of the release that does not run: what happens to the plan by which it was deployed.
DAMAGES = {
    "its plan is gone": ("rm", "NoRollbackTarget"),
    "its plan is cut": ("truncate -s 40", "PlanInvalid"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_release_that_cannot_be_brought_back_is_deployed_again_by_the_command(
    site: Site, desk: Desk, releases, damage
):
    wanted = FIRST if version(site.stack) == SECOND else SECOND
    command, code = DAMAGES[damage]
    site.stack.remote.allowed(f"{command} {plan_of(site, wanted)}")
    remedy = desk.refused(code, f"rollback --tag {wanted}")
    desk.does(command_of(remedy).replace("TAG", wanted))
    assert running(site.stack) == (releases[wanted].reference, releases[wanted].config)


def test_x4_a_run_that_was_killed_is_seen_and_settled_by_the_commands(
    site: Site, desk: Desk, releases
):
    before = version(site.stack)
    kill_at(site.stack, "switching", releases[FIRST if before == SECOND else SECOND])
    # What is said where the server's output ends without a word.
    status, recover = commands_of(error_of_run(Transcript("-")).remedy)
    said = desk.does(status)
    assert "a run was interrupted there" in said
    assert commands_of(said) == [recover]
    desk.does(recover)
    assert "was interrupted" not in desk.does(status)
    assert version(site.stack) in (FIRST, SECOND)
