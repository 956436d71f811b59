"""What a page links to inside the repository is there."""

import re

import pytest

from tests.docs.commands import CHECKOUT

FOLDERS = ("docs", "ci", "app", "tests")
PAGES = [
    *CHECKOUT.glob("*.md"),
    *(path for name in FOLDERS for path in (CHECKOUT / name).rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_of_a_page_leads_somewhere(page):
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert broken == []
