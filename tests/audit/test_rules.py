"""The rules: each has its page, its number tells where it looks, causes end somewhere."""

from itertools import combinations
from pathlib import Path

import pytest

from ci.decisions.audit.findings import causes, roots
from ci.decisions.audit.rules import RULES

PAGES = Path(__file__).parents[2] / "docs" / "rules"


def test_every_rule_has_a_page_and_every_page_a_rule():
    assert {path.stem for path in PAGES.glob("*.md")} == set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_page_says_what_the_rule_says(rule):
    text = (PAGES / f"{rule.id}.md").read_text()
    assert text.startswith(
        f"# {rule.id}: {rule.title}\n\nLooks at the {rule.area}; {rule.severity}."
    )
    assert rule.fix in text
    assert all(f"[{other}]({other}.md)" in text for other in rule.after)


def test_a_rule_is_explained_by_rules_that_exist_and_never_by_itself():
    for rule in RULES.values():
        assert rule.id not in rule.after
        assert set(rule.after) <= set(RULES)


@pytest.mark.parametrize("size", [2, 3])
def test_every_broken_rule_has_one_root_that_is_broken_too(size):
    for keys in combinations(RULES, size):
        found = causes(keys)
        assert set(found) == set(keys)
        assert set(found.values()) <= set(keys)
        heads = roots(keys)
        assert sorted([*heads, *(key for group in heads.values() for key in group)]) == sorted(keys)


def test_in_the_story_all_that_is_missing_follows_from_one_cause():
    heads = roots(("CI201", "CI204", "CI110", "CI101", "CI112"))
    assert list(heads) == ["CI101", "CI112"]
    assert heads["CI101"] == ("CI110", "CI201", "CI204")
