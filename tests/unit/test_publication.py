"""What a publication does next, and what one read of a tag means."""

from datetime import UTC

import pytest

from ci.decisions.publication import Held, Reading, Step, judge_read, plan_publication
from ci.decisions.tags import parse_release_tag
from ci.errors import TagConflict
from ci.oci.digest import digest_of

TAG = parse_release_tag("20260123-170510", UTC)
WANTED = digest_of(b"these sources")
A, B, C = (digest_of(text) for text in (b"a", b"b", b"c"))
OURS = Held(A, str(TAG), str(WANTED))
SAME_SOURCES_OTHER_TAG = Held(A, "20260101-000000", str(WANTED))
OTHER_SOURCES = Held(B, str(TAG), str(digest_of(b"others")))
UNLABELLED = Held(C)

STEPS = {
    "nothing there": (None, None, Step.BUILD),
    "tag done": (OURS, None, Step.CONFIRM),
    "tag done, unverified moved on": (OURS, OTHER_SOURCES, Step.CONFIRM),
    "pushed, not tagged": (None, OURS, Step.RESUME),
    "unverified is another release's": (None, SAME_SOURCES_OTHER_TAG, Step.BUILD),
    "unverified is of other sources": (None, OTHER_SOURCES, Step.BUILD),
    "unverified is unlabelled": (None, UNLABELLED, Step.BUILD),
}


@pytest.mark.parametrize(("at_tag", "at_unverified", "step"), STEPS.values(), ids=STEPS.keys())
def test_where_a_publication_begins(at_tag, at_unverified, step):
    found = plan_publication(TAG, WANTED, at_tag=at_tag, at_unverified=at_unverified)
    assert found is step


@pytest.mark.parametrize("at_tag", [OTHER_SOURCES, UNLABELLED, SAME_SOURCES_OTHER_TAG])
@pytest.mark.parametrize("at_unverified", [None, OURS])
def test_a_tag_that_holds_something_else_is_never_moved(at_tag, at_unverified):
    with pytest.raises(TagConflict) as caught:
        plan_publication(TAG, WANTED, at_tag=at_tag, at_unverified=at_unverified)
    assert str(at_tag.digest) in caught.value.cause


@pytest.mark.parametrize(
    ("seen", "before", "expected"),
    [
        (A, None, Reading.OURS),
        (A, A, Reading.OURS),
        (None, None, Reading.LAG),
        (None, B, Reading.LAG),
        (B, B, Reading.LAG),
        (C, B, Reading.FOREIGN),
        (C, None, Reading.FOREIGN),
    ],
)
def test_a_tag_is_read_three_ways(seen, before, expected):
    assert judge_read(seen, put=A, before=before) is expected
