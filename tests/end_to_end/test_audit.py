"""The audit of a real server, as a person runs it: right, and after what the story's server did."""

import json

import pytest

from tests.end_to_end.site import fresh_site

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
FIRST, SECOND = "20260122-181500", "20260123-170510"
BY_HAND = (
    "cd {directory} && IMAGE={image} docker compose --project-name {project}"
    " --project-directory . --file .ci/compose/{compose}.yaml up --detach --no-deps web"
)


@pytest.fixture
def site(tmp_path, server, credentials, maker, session_skopeo, docker_host):
    folder = tmp_path / "site"
    folder.mkdir()
    yield from fresh_site(folder, server, credentials, maker, session_skopeo, docker_host)


def audited(site, folder):
    """The report as JSON, and the rules about the host that are broken."""
    site.allowed("-o", str(folder), "audit", "--stage", "deploy")
    report = json.loads((folder / "report.json").read_text())
    return report, {each["rule"] for each in report["findings"] if each["area"] == "host"}


def test_a_proven_server_breaks_no_rule_and_the_story_s_breaks_its_own(site, tmp_path):
    first, second = site.publish(FIRST), site.publish(SECOND)
    site.allowed("deploy", "--tag", FIRST)
    site.allowed("deploy", "--tag", SECOND)

    report, broken = audited(site, tmp_path / "right")
    assert broken == set()
    states = {each["step"]: each["state"] for each in report["verification"]}
    assert states["on the server, docker ps shows that image running"] == "done"
    assert states["the service is healthy"] == "done"
    assert report["host"]["running"] == second.reference
    assert report["host"]["ledger"][-1]["tag"] == SECOND
    assert all(sample["is_well"] for sample in report["host"]["health"])
    assert f"deploy --tag {SECOND} --key file:" in report["repeat"]

    # An old local image under the new tag, a changed compose file, a run that nobody ended.
    stack = site.stack
    tagged = f"{site.maker.repository}:{SECOND}"
    stack.observe("tag", first.reference, tagged)
    compose = stack.remote.allowed(f"tail -n 1 {stack.directory}/.ci/ledger").split()[-1]
    words = {"directory": stack.directory, "project": stack.project}
    stack.remote.allowed(BY_HAND.format(image=tagged, compose=compose, **words))
    stack.remote.allowed(f"echo '# mine' >{stack.directory}/compose.yaml")
    stack.remote.allowed(f"sed -i 's/^state .*/state switching/' {stack.directory}/.ci/journal")

    report, broken = audited(site, tmp_path / "wrong")
    assert broken >= {"CI302", "CI304", "CI305", "CI307"}
    seen = {each["rule"]: each["seen"] for each in report["findings"]}
    assert seen["CI302"] == f"it runs {FIRST}, and calls itself {tagged}"
    assert "switching" in seen["CI305"]
