"""Ref filters, on the examples of GitHub's own cheat sheet and on what went wrong for people."""

import pytest

from ci.decisions.audit.patterns import FilterInvalid, judge_push, matches
from ci.decisions.audit.yaml12 import parse_yaml

TAG = "20260123-170510"
CHEAT_SHEET = {
    "feature/*": (["feature/my-branch", "feature/your-branch"], ["feature/beta-a/my-branch"]),
    "feature/**": (["feature/beta-a/my-branch", "feature/mona/the/octocat"], ["feature"]),
    "main": (["main"], ["mains", "releases/main"]),
    "*": (["main", "releases"], ["all/the/branches"]),
    "**": (["all/the/branches", "every/tag"], []),
    "*feature": (["mona-feature", "feature", "ver-10-feature"], ["feature-x"]),
    "v2*": (["v2", "v2.0", "v2.9"], ["v1", "av2"]),
    "v[12].[0-9]+.[0-9]+": (["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.x.1", "v1.0"]),
    "*.jsx?": (["page.js", "page.jsx"], ["page.jsxx"]),
    "20[0-9][0-9]*": ([TAG], ["20ab0123"]),
    "20*": ([TAG, "20"], ["v20260123", "120"]),
    "2025*": (["20250101-000000"], [TAG]),
    "[CB]at": (["Cat", "Bat"], ["Rat"]),
    "[1-2]00": (["100", "200"], ["300"]),
    "v1.0": (["v1.0"], ["v1x0"]),
    r"a\*b": (["a*b"], ["axb"]),
    "[": (["["], ["x"]),
}


@pytest.mark.parametrize("pattern", CHEAT_SHEET)
def test_a_pattern_takes_what_github_says_it_takes(pattern):
    taken, left = CHEAT_SHEET[pattern]
    assert [name for name in taken if not matches([pattern], name)] == []
    assert [name for name in left if matches([pattern], name)] == []


@pytest.mark.parametrize(
    ("patterns", "is_taken"),
    [
        (["20*", "!2026*"], False),
        (["!2026*", "20*"], True),
        (["20*", "!2026*", "20260123-*"], True),
        (["!2025*"], False),
        ([], False),
    ],
)
def test_of_several_patterns_the_last_that_fits_decides(patterns, is_taken):
    assert matches(patterns, TAG) is is_taken


PUSHES = {
    "no filter": ("{}", True),
    "null": ("", True),
    "tags that fit": ("tags: ['20*']", True),
    "tags as one word": ("tags: 20*", True),
    "tags that do not fit": ("tags: ['v*']", False),
    "branches alone": ("branches: [main]", False),
    "branches-ignore alone": ("branches-ignore: [main]", False),
    "every branch, and still no tag": ("branches: ['**']", False),
    "branches and tags": ("branches: [main]\ntags: ['20*']", True),
    "tags-ignore that fits": ("tags-ignore: ['20*']", False),
    "tags-ignore that does not fit": ("tags-ignore: ['v*']", True),
    "branches with tags-ignore": ("branches: [main]\ntags-ignore: ['v*']", True),
    "paths do not count for tags": ("paths: ['docs/**']", True),
    "no pattern at all": ("tags: []", False),
}


@pytest.mark.parametrize("name", PUSHES)
def test_a_pushed_tag_starts_a_workflow_or_not(name):
    text, starts = PUSHES[name]
    verdict = judge_push(parse_yaml(text), TAG)
    assert verdict.starts is starts
    assert bool(verdict.why) is not starts
    assert verdict.by_branches is (name.startswith(("branches", "every")) and not starts)


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_github_refuses_a_filter_and_its_opposite(kind):
    with pytest.raises(FilterInvalid):
        judge_push(parse_yaml(f"{kind}: [a]\n{kind}-ignore: [b]"), TAG)


def test_a_pattern_made_to_be_slow_is_followed_all_ways_at_once():
    assert not matches(["*a" * 60 + "b"], "a" * 200)
