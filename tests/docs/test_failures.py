"""docs/failures.md tells of every code there is."""

import re

from tests.docs.failures import CHECKOUT, EXITS, PAGE, codes, render_page, shell_sites

KNOWN = codes()
KINDS = {".py", ".sh"}


def test_the_page_is_what_the_code_says():
    again = "write it again: .venv/bin/python -m tests.docs.failures"
    assert PAGE.read_text() == render_page(), again


def test_every_code_has_a_class_of_exits_that_is_explained():
    assert {kind.exit_class for kind in KNOWN.values()} <= set(EXITS)
    assert all((kind.__doc__ or "").strip() for kind in KNOWN.values())


def test_every_code_that_the_server_says_is_a_class():
    assert {code for code, _ in shell_sites()} - set(KNOWN) == set()


def test_no_code_is_without_a_place_that_says_it():
    texts = [path.read_text() for path in (CHECKOUT / "ci").rglob("*") if path.suffix in KINDS]
    said = set(re.findall(r"(?<!class )\b[A-Z]\w+", "\n".join(texts)))
    assert set(KNOWN) - said == set()
