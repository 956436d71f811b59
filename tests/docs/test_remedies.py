"""Every command that a failure names is run where it is raised, or it is said why it cannot be."""

import re

import pytest

from tests.docs.remedies import CHECKOUT, named_commands
from tests.faults.remedies import commands_of

SSH = "tests/end_to_end/test_remedies_ssh.py::test_"
DEPLOY = "tests/end_to_end/test_remedies_deploy.py::test_"
PUBLISH = "tests/end_to_end/test_remedies_publish.py::test_"
ROLLBACK = "tests/server/test_rollback.py::test_"
# The test that runs it as it is printed, then repeats what failed; … is a value of the failure.
RUN = {
    "./daggerw call build": f"{PUBLISH}b8_a_build_that_failed_is_seen_alone_by_the_command",
    "./daggerw call build with-exec --args du,-xd1,/ stdout": (
        f"{PUBLISH}p15_the_sizes_of_a_layer_that_is_too_large_are_shown_by_the_command"
    ),
    "./daggerw call check": (
        f"{PUBLISH}an_image_that_crashes_is_checked_again_alone_by_the_command"
    ),
    "./daggerw call deploy --older --tag TAG": (
        f"{DEPLOY}a_release_that_cannot_be_brought_back_is_deployed_again_by_the_command"
    ),
    "./daggerw call deploy --older --tag …": (
        f"{DEPLOY}a_release_that_cannot_be_brought_back_is_deployed_again_by_the_command"
    ),
    "./daggerw call deploy --tag TAG": (
        f"{DEPLOY}where_no_release_was_proven_the_command_deploys_one"
    ),
    "./daggerw call publish --tag": f"{PUBLISH}a_missing_tag_is_published_by_the_command",
    "./daggerw call publish --tag $(./daggerw call tag)": (
        f"{PUBLISH}other_sources_are_published_under_a_new_tag_by_the_command"
    ),
    "./daggerw call recover": (
        f"{DEPLOY}x4_a_run_that_was_killed_is_seen_and_settled_by_the_commands"
    ),
    "./daggerw call status": (
        f"{DEPLOY}x4_a_run_that_was_killed_is_seen_and_settled_by_the_commands"
    ),
    "./daggerw call tag": f"{PUBLISH}latest_is_published_under_a_tag_that_the_command_mints",
    "df …": (
        "tests/server/test_preflight_machine.py"
        "::test_x3_a_disk_that_fills_in_the_run_is_told_with_where_it_is"
    ),
    "docker image prune --all": (
        "tests/server/test_pull.py::test_d3_a_disk_that_fills_in_the_pull_is_named"
    ),
    "docker logs --tail 100 …": f"{ROLLBACK}x7_a_release_that_comes_back_ill_is_said_so",
    "docker ps --all…": f"{ROLLBACK}x7_a_release_that_comes_back_ill_is_said_so",
    "docker rm --force …": (
        "tests/server/test_beside.py::test_several_containers_are_refused_before_anything_changes"
    ),
    "git checkout …": f"{PUBLISH}the_commit_of_a_tag_is_checked_out_by_the_command",
    "ssh -p … …@… 'ls -ld …; df -h; df -i'": (
        f"{SSH}an_upload_that_is_refused_is_looked_into_by_the_command"
    ),
    "ssh -p … …@… 'uptime; ps aux --sort=-%cpu | head'": (
        f"{SSH}a_command_that_takes_too_long_is_looked_into_by_the_command"
    ),
    "ssh-keygen -A": f"{SSH}h3_a_revoked_key_is_replaced_by_the_commands",
    "ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub": (
        f"{SSH}the_key_is_compared_and_pinned_by_the_commands"
    ),
    "ssh-keygen -t ed25519 -N '' -f deploy_key": (
        f"{SSH}a_key_for_this_alone_is_made_by_the_command"
    ),
    "ssh-keygen -y -f KEY": f"{SSH}h8_a_key_that_is_not_accepted_is_let_in_by_its_line",
    "ssh-keyscan -T 15 -p … …": f"{SSH}h12_the_command_answers_once_the_server_does",
    "ssh-keyscan -p PORT HOST": f"{SSH}h6_the_first_key_is_got_and_compared_by_the_commands",
    "ssh-keyscan -p … …": f"{SSH}h11_the_command_shows_from_where_a_server_answers",
    "ssh-keyscan -t … -p … …": f"{SSH}the_key_is_compared_and_pinned_by_the_commands",
    "usermod -s /bin/sh …": f"{SSH}h16_an_account_without_a_shell_gets_one_by_the_command",
}
NOT_RUN = {
    "gh auth refresh -s read:packages": "asks GitHub, in a browser",
    "gh auth refresh -s write:packages": "asks GitHub, in a browser",
    "journalctl -u ssh": "systemd's, which the tests' servers do not have",
    "sh -c 'echo ok'": "for a server whose launcher says nothing; the tests have none that does so",
    "sudo systemctl restart docker": "systemd's; the tests restart the whole server instead",
    "sudo systemctl start docker": "systemd's; the tests' server has Docker as long as it runs",
}
# Words of causes and comments to the engine that begin like a command.
NO_REMEDY = {
    "docker compose config shows no services",
    "docker compose: …",
    "docker info",
    "git tags",
    "sh -c …",
}
TEXTS = {
    "free space there (df /srv/a/.ci), then deploy again": ["df /srv/a/.ci"],
    "see it: ./daggerw call status; then ./daggerw call recover": [
        "./daggerw call status",
        "./daggerw call recover",
    ],
    "publish: ./daggerw call publish --tag $(./daggerw call tag)": [
        "./daggerw call publish --tag $(./daggerw call tag)"
    ],
    "split it: ./daggerw call build with-exec --args du,-xd1,/ stdout": [
        "./daggerw call build with-exec --args du,-xd1,/ stdout"
    ],
    "ssh -p 22 a@b 'uptime; df -h', or `ssh-keygen -y -f KEY` there": [
        "ssh -p 22 a@b 'uptime; df -h'",
        "ssh-keygen -y -f KEY",
    ],
    "add it to the group docker; write --token env:GITHUB_TOKEN": [],
}


@pytest.mark.parametrize(("text", "commands"), TEXTS.items(), ids=range(len(TEXTS)))
def test_commands_are_found_as_they_stand_in_a_text(text, commands):
    assert commands_of(text) == commands


def test_every_command_that_a_remedy_names_is_run_or_cannot_be():
    named = named_commands()
    assert {
        command: named[command]
        for command in named.keys() - RUN.keys() - NOT_RUN.keys() - NO_REMEDY
    } == {}


def test_no_command_is_listed_that_no_remedy_names():
    assert (RUN.keys() | NOT_RUN.keys() | NO_REMEDY) - named_commands().keys() == set()


@pytest.mark.parametrize("place", sorted(set(RUN.values())))
def test_the_test_that_runs_a_command_takes_it_out_of_the_failure(place):
    file, _, name = place.partition("::")
    text = (CHECKOUT / file).read_text()
    body = re.search(rf"def {name}\(.*?(?=\n(?:async )?def |\n@|\Z)", text, re.DOTALL)
    assert body
    used = {*re.findall(r"\w+", body[0])}
    fixtures = re.findall(
        r"@pytest.fixture[^\n]*\ndef (\w+)\((.*?)(?=\n@|\ndef |\Z)", text, re.DOTALL
    )
    whole = body[0] + "".join(part for fixture, part in fixtures if fixture in used)
    assert "command_of(" in whole or "commands_of(" in whole
