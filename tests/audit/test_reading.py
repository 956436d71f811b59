"""YAML, conditions and scripts, read as GitHub and a shell would."""

import pytest

from ci.decisions.audit.expressions import is_surely_false, pushed
from ci.decisions.audit.shell import parse_commands
from ci.decisions.audit.yaml12 import Unreadable, parse_yaml

KNOWN = pushed("20260123-170510")


def test_on_stays_a_word_and_lines_are_counted_from_one():
    root = parse_yaml("# first\non:\n  push:\n    tags: [yes, 010, 20*]\n")
    assert list(root.entries) == ["on"]
    tags = root.get("on").get("push").get("tags")
    assert [item.text for item in tags.items] == ["yes", "010", "20*"]
    assert tags.line == 4


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: 1\na: 2",
        "? [a]\n: b",
        "a: &x [*x]",
        "[" * 5000,
        "a: \x00",
        "x: !!python/object:os.system {}\n- y",
        "a: " + "b" * 600_000,
        "a: 1\n---\nb: 2",
    ],
)
def test_what_is_no_plain_document_is_unreadable_and_nothing_worse(text):
    with pytest.raises(Unreadable):
        parse_yaml(text)


def test_an_alias_that_multiplies_costs_nothing():
    text = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    assert len(parse_yaml(text).entries) == 40


SURELY_FALSE = [
    "false",
    "github.event_name == 'workflow_dispatch'",
    "github.ref == 'refs/heads/main'",
    "${{ github.ref_name == 'main' }}",
    "startsWith(github.ref, 'refs/heads/')",
    "!startsWith(github.ref, 'refs/tags/20')",
    "github.ref_type != 'tag'",
    "github.actor == 'me' && github.ref == 'refs/heads/main'",
    "github.ref == 'refs/heads/main' && github.actor == 'me'",
    "(github.ref == 'refs/heads/main' || false) && success()",
    "contains(github.ref, 'heads')",
    "github.event_name != 'PUSH'",
]
PERHAPS = [
    "",
    "true",
    "always()",
    "github.event_name == 'push'",
    "github.event_name == 'push' || inputs.action == 'publish'",
    "inputs.action == 'publish'",
    "github.actor == 'me' && github.event_name == 'push'",
    "startsWith(github.ref, 'refs/tags/20')",
    "!cancelled() && needs.build.result == 'success'",
    "contains(fromJSON('[\"push\"]'), github.event_name)",
    "github['ref'] == 'refs/heads/main'",
    "github.run_attempt < 3",
    "it is no expression 'at all",
    "(" * 3000,
    "${{ a }} and ${{ b }}",
]


@pytest.mark.parametrize("condition", SURELY_FALSE)
def test_a_condition_that_no_tag_meets_is_known_to_be_false(condition):
    assert is_surely_false(condition, KNOWN)


@pytest.mark.parametrize("condition", PERHAPS)
def test_what_only_the_run_knows_is_never_called_false(condition):
    assert not is_surely_false(condition, KNOWN)


SCRIPTS = {
    "docker push a": ["docker push a"],
    "# docker push a": [],
    "echo 'docker push a'": ["echo docker push a"],
    "set -e; A=1 sudo docker \\\n  push a": ["set -e", "docker push a"],
    "if docker push a; then echo ok; fi": ["docker push a", "echo ok", "fi"],
    "docker push 'unclosed": ["docker push 'unclosed"],
    "ssh -p 22 h 'cd /srv && docker push a'": [
        "ssh -p 22 h cd /srv && docker push a",
        "cd /srv",
        "docker push a",
    ],
    "ssh h docker push a": ["ssh h docker push a", "docker push a"],
    "ssh h <<'EOF'\ndocker push a\nEOF\nls": ["ssh h docker push a\n", "docker push a", "ls"],
    "bash -c \"sh -c 'docker push a'\"": [
        "bash -c sh -c 'docker push a'",
        "sh -c docker push a",
        "docker push a",
    ],
    "docker push ${{ env.A || 'b' }}": ["docker push ${{env.Ab}}"],
    "(docker push a) &": ["docker push a"],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_parted_into_the_commands_that_it_runs(script):
    found = [command.text.replace("\n\n", "\n") for command in parse_commands(script)]
    assert [text.strip() for text in found] == [text.strip() for text in SCRIPTS[script]]


def test_a_command_knows_its_line_and_what_follows_it():
    commands = parse_commands("true\n\ncurl x || true\n")
    assert [(c.text, c.line, c.after) for c in commands] == [
        ("true", 0, "\n"),
        ("curl x", 2, "||"),
        ("true", 2, "\n"),
    ]
