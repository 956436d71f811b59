"""The workflow as act runs it: from an event to the digest in the registry, or to a red job."""

from collections.abc import Callable

import pytest

from tests.workflows.conftest import Place, digest_in, new_tag

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(make_place: Callable[[], Place]) -> Place:
    return make_place()


def test_a_pushed_tag_ends_at_its_digest_and_a_laptop_finds_it_there(place):
    tag = new_tag()
    place.origin.git("tag", tag)
    outcome = place.runner().push(f"refs/tags/{tag}")
    digest = digest_in(outcome)
    assert place.observer.tags() == {tag: digest, "latest": digest, "unverified": digest}
    assert place.observer.holds_tree(digest)
    assert place.credentials.token not in outcome.log
    assert "Main Deploy" not in outcome.log
    assert tag in (outcome.artifacts / "audit" / "report.md").read_text()

    found = place.laptop(tag).publish(tag)
    assert (found["begun_from"], found["digest"]) == ("confirm", digest)


def test_a_laptops_release_is_found_by_hand_though_main_has_moved_on(place):
    """Nothing is built, and what is looked at is the tag's commit: main's would be refused."""
    tag = new_tag()
    place.origin.git("tag", tag)
    published = place.laptop(tag).publish(tag)
    place.origin.commit("app/observer/health.py", "\n# Later.\n")
    outcome = place.runner().dispatch(action="publish", image_tag=tag)
    place.origin.git("reset", "--quiet", "--hard", tag)
    assert digest_in(outcome) == published["digest"] == place.observer.digest(tag)
    assert "the tag holds this release already" in outcome.log
    assert "build linux/" not in outcome.log


def test_a_failing_verify_turns_the_run_red_and_the_audit_still_appears(place):
    """The same files were released from a commit that the tag does not name."""
    tag = new_tag()
    place.laptop().publish(tag)
    place.origin.commit("README.md", "\nLater.\n")
    place.origin.git("tag", tag)
    outcome = place.runner().push(f"refs/tags/{tag}")
    assert outcome.exit_code != 0
    assert "Success - Main Publish" in outcome.log
    assert "Failure - Main Verify" in outcome.log
    assert "LabelsDisagree" in outcome.log
    report = (outcome.artifacts / "audit" / "report.md").read_text()
    assert f"--token env:GITHUB_TOKEN verify --tag {tag}" in report


REFUSED = {
    "a tag that git does not have": ("20260123-170510", "couldn't find remote ref refs/tags/2026"),
    "a tag that is no release's": ("2026-final", "TagInvalid"),
    "a branch": ("main", "couldn't find remote ref refs/tags/main"),
    "a command": ("2026$(touch it)", "fatal: invalid refspec"),
}


@pytest.mark.parametrize(("image_tag", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_by_hand_nothing_but_a_release_tag_is_published(place, image_tag, reason):
    if image_tag == "2026-final":
        place.origin.git("tag", image_tag)
    before = place.observer.tags()
    outcome = place.runner().dispatch(action="publish", image_tag=image_tag)
    assert outcome.exit_code != 0
    assert reason in outcome.log
    assert place.observer.tags() == before


def test_a_push_of_anything_but_a_tag_releases_nothing_even_where_the_trigger_lets_it(place):
    place.origin.git("branch", "20-years")
    before = place.observer.tags()
    outcome = place.runner().push("refs/heads/20-years")
    assert outcome.exit_code == 0, outcome.log
    assert "Main Publish" not in outcome.log
    assert place.observer.tags() == before
