"""The fingerprint: what changes it, what does not, and links that lead out."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.adapters.files import LocalFiles
from ci.decisions.fingerprint import Entry, Recipe, check_links, fingerprint
from ci.errors import ContextEscape
from ci.oci.digest import digest_of

RECIPE = Recipe(digest_of(b"FROM scratch"), "release", {"A": "1"}, ("linux/amd64", "linux/arm64"))
ENTRIES = (
    Entry("a.txt", digest_of(b"a")),
    Entry("run.sh", digest_of(b"run"), is_executable=True),
    Entry("link", link_target="a.txt"),
)
# Written down once: a change here means that every released image would be built again.
KNOWN = "sha256:ccd732b7797dd5f28c5b065b0ba064936c1575d7728752fe7ea480a6289c2562"


def test_the_fingerprint_of_a_known_tree_stays_what_it_was():
    assert str(fingerprint(ENTRIES, RECIPE)) == KNOWN


@given(st.permutations(ENTRIES))
def test_the_order_of_reading_does_not_matter(entries):
    assert fingerprint(entries, RECIPE) == fingerprint(ENTRIES, RECIPE)


def test_the_order_of_platforms_and_arguments_does_not_matter():
    one = Recipe(RECIPE.dockerfile, "t", {"A": "1", "B": "2"}, ("linux/arm64", "linux/amd64"))
    other = Recipe(RECIPE.dockerfile, "t", {"B": "2", "A": "1"}, ("linux/amd64", "linux/arm64"))
    assert fingerprint(ENTRIES, one) == fingerprint(ENTRIES, other)


CHANGED_ENTRIES = {
    "content": (Entry("a.txt", digest_of(b"b")), *ENTRIES[1:]),
    "name": (Entry("b.txt", digest_of(b"a")), *ENTRIES[1:]),
    "execute bit": (Entry("a.txt", digest_of(b"a"), is_executable=True), *ENTRIES[1:]),
    "link target": (*ENTRIES[:2], Entry("link", link_target="run.sh")),
    "file gone": ENTRIES[1:],
}
CHANGED_RECIPES = {
    "Dockerfile": Recipe(digest_of(b"FROM x"), "release", {"A": "1"}, RECIPE.platforms),
    "target": Recipe(RECIPE.dockerfile, "other", {"A": "1"}, RECIPE.platforms),
    "argument": Recipe(RECIPE.dockerfile, "release", {"A": "2"}, RECIPE.platforms),
    "platforms": Recipe(RECIPE.dockerfile, "release", {"A": "1"}, ("linux/amd64",)),
}


@pytest.mark.parametrize("entries", CHANGED_ENTRIES.values(), ids=CHANGED_ENTRIES.keys())
def test_a_changed_file_changes_the_fingerprint(entries):
    assert fingerprint(entries, RECIPE) != fingerprint(ENTRIES, RECIPE)


@pytest.mark.parametrize("recipe", CHANGED_RECIPES.values(), ids=CHANGED_RECIPES.keys())
def test_a_changed_recipe_changes_the_fingerprint(recipe):
    assert fingerprint(ENTRIES, recipe) != fingerprint(ENTRIES, RECIPE)


def read(root: Path) -> list[Entry]:
    files = LocalFiles()
    return files.entries(root, [each.path for each in files.listing(root)])


def write_tree(root: Path, mode: int) -> None:
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "sub" / "a.txt").write_bytes(b"a")
    (root / "run.sh").write_bytes(b"run")
    (root / "sub" / "a.txt").chmod(mode & 0o666)
    (root / "run.sh").chmod(mode)
    (root / "link").symlink_to("sub")


def test_umask_times_and_empty_directories_do_not_matter(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write_tree(one, 0o755)
    write_tree(other, 0o700)
    (other / "only-here").mkdir()
    os.utime(other / "run.sh", (0, 0))
    assert fingerprint(read(one), RECIPE) == fingerprint(read(other), RECIPE)


def test_a_linked_directory_is_one_entry_and_not_entered(tmp_path):
    write_tree(tmp_path, 0o755)
    found = {entry.path: entry for entry in read(tmp_path)}
    assert sorted(found) == ["link", "run.sh", "sub/a.txt"]
    assert found["link"].link_target == "sub"
    assert found["run.sh"].is_executable


def test_a_text_is_read_only_inside_the_context(tmp_path):
    root = tmp_path / "context"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "Dockerfile").write_text("FROM scratch")
    (root / "inside").symlink_to("Dockerfile")
    (root / "outside").symlink_to("../secret")
    files = LocalFiles()
    assert files.text(root, "Dockerfile") == files.text(root, "inside") == "FROM scratch"
    assert files.text(root, "outside") is None
    assert files.text(root, "missing") is None


ESCAPES = {
    "absolute": {"a": "/etc/passwd"},
    "home": {"a/b": "../../.ssh"},
    "parent": {"a": ".."},
    "chain": {"a/up": "..", "b": "a/up/../x"},
    "through a linked directory": {"d": "x/y", "b": "d/../../../z"},
    "loop": {"a": "b", "b": "a"},
}


@pytest.mark.parametrize("links", ESCAPES.values(), ids=ESCAPES.keys())
def test_a_link_that_leads_out_is_named_with_its_target(links):
    entries = [Entry(path, link_target=target) for path, target in links.items()]
    with pytest.raises(ContextEscape) as caught:
        check_links(entries)
    assert any(f"{path!r} -> {target!r}" in caught.value.cause for path, target in links.items())


@pytest.mark.parametrize(
    "links",
    [{"a": "b"}, {"a/b": "../c"}, {"a/b/c": "../../d/./e"}, {"d": "x/y", "b": "d/../z"}],
)
def test_a_link_that_stays_inside_is_accepted(links):
    check_links([Entry(path, link_target=target) for path, target in links.items()])
