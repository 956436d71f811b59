"""What of a build context is released: secrets stay, sizes are bounded, one place decides."""

import pytest

from ci.adapters.files import LocalFiles
from ci.decisions.dockerignore import parse_dockerignore
from ci.decisions.released import (
    Limits,
    Listed,
    Selection,
    check_size,
    exclusions,
    note_of_withheld,
)
from ci.errors import ContextTooLarge

SECRETS = [
    ".env",
    "sub/.env",
    ".env.production",
    "server.pem",
    "certs/ca.pem",
    "tls.key",
    "store.p12",
    "store.pfx",
    "id_rsa",
    "id_ed25519",
    "keys/id_ecdsa_sk",
    "id_rsa.bak",
    ".ssh/config",
    ".git/config",
    "vendor/lib/.git",
    ".dagger/state.json",
    ".netrc",
    ".pypirc",
    ".git-credentials",
    ".aws/credentials",
    ".docker/config.json",
]
HARMLESS = [
    "env",
    "environment.py",
    ".env.example",
    ".envrc.md",
    "pem.py",
    "id_generator.py",
    "id_rsa.pub",
    ".gitignore",
    ".gitkeep",
    ".docker/nginx.conf",
    ".github/workflows/ci.yml",
    "keyboard.py",
]


def selection(ignore="", derived=(), send_anyway=()):
    return Selection(parse_dockerignore(ignore), tuple(derived), tuple(send_anyway))


@pytest.mark.parametrize("path", SECRETS)
def test_what_looks_like_a_secret_is_neither_sent_nor_counted(path):
    chosen = selection()
    assert not chosen.is_sent(path)
    assert not chosen.is_counted(path)


@pytest.mark.parametrize("path", HARMLESS)
def test_other_files_are_sent_and_counted(path):
    chosen = selection()
    assert chosen.is_sent(path)
    assert chosen.is_counted(path)


def test_a_path_can_be_sent_all_the_same():
    chosen = selection(send_anyway=["certs/ca.pem", "keys"])
    assert chosen.is_counted("certs/ca.pem")
    assert chosen.is_counted("keys/deep/id_rsa")
    assert not chosen.is_sent("certs/other.pem")


def test_dockerignore_goes_before_what_is_sent_anyway():
    assert not selection("certs", send_anyway=["certs/ca.pem"]).is_sent("certs/ca.pem")


def test_what_is_derived_is_sent_and_not_counted():
    chosen = selection(derived=["wheelhouse"])
    assert chosen.is_sent("wheelhouse/a.whl")
    assert not chosen.is_counted("wheelhouse/a.whl")


def test_the_engine_is_told_the_same():
    """The exclusions speak .dockerignore, so this file's own reader can judge them."""
    for send_anyway in ((), ("certs/ca.pem", "keys")):
        chosen = selection(send_anyway=send_anyway)
        told = selection("\n".join(exclusions(send_anyway)), send_anyway=["*"])
        for path in [*SECRETS, *HARMLESS, "keys/id_rsa"]:
            assert told.is_sent(path) == chosen.is_sent(path), path


def test_what_was_left_out_is_said_in_one_line():
    paths = [".git/", ".git/config", ".git/objects/ab", "a.py", "certs/ca.pem", "docs/.env"]
    note = note_of_withheld(paths, selection("docs"))
    assert "'.git', 'certs/ca.pem'" in note
    assert "send_anyway" in note
    assert "docs" not in note
    assert "\n" not in note
    assert note_of_withheld(["a.py"], selection()) == ""
    assert "and 4 more" in note_of_withheld([f"{at}.pem" for at in range(10)], selection())


def test_a_context_within_its_limits_is_accepted():
    check_size([Listed("a", 1024 * 1024)], Limits(files=1, size_mib=1))


def test_a_context_of_too_many_bytes_names_the_five_largest_files():
    listed = [Listed(f"file{at}", at * 1000) for at in range(2000)]
    with pytest.raises(ContextTooLarge) as caught:
        check_size(listed, Limits(files=10_000, size_mib=1))
    assert "2.0 GB" in caught.value.cause
    assert "'file1999' (2.0 MB), 'file1998'" in caught.value.cause
    assert "'file1995'" in caught.value.cause
    assert "file1994" not in caught.value.cause
    assert "max_size_mib" in caught.value.remedy
    assert caught.value.exit_class == 3


def test_a_context_of_too_many_files_names_the_five_fullest_folders():
    listed = [Listed(f"d{at}/{number}", 0) for at in range(9) for number in range(at + 1)]
    with pytest.raises(ContextTooLarge) as caught:
        check_size(listed, Limits(files=44, size_mib=1))
    assert "45 files" in caught.value.cause
    assert "'d8' (9), 'd7' (8)" in caught.value.cause
    assert "d3" not in caught.value.cause
    assert ".dockerignore" in caught.value.remedy


def test_files_are_listed_with_their_sizes_and_read_only_when_chosen(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("sub")
    (tmp_path / "unread").mkdir(mode=0o755)
    files = LocalFiles()
    assert sorted(files.listing(tmp_path)) == [Listed("link", 0), Listed("sub/a", 5)]
    assert [entry.path for entry in files.entries(tmp_path, ["sub/a"])] == ["sub/a"]
