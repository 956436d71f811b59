"""The .dockerignore rules, with the cases of Docker's own matcher."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.dockerignore import is_ignored, parse_dockerignore
from ci.errors import ContextInvalid

# From moby/patternmatcher's table: pattern, path, whether it is left out.
CASES = [
    ("**", "file", True),
    ("**", "dir/file", True),
    ("**/", "file", True),
    ("**/**", "dir/file", True),
    ("dir/**", "dir/file", True),
    ("dir/**", "file", False),
    ("**/file", "dir/dir/file", True),
    ("**/dir2/*", "dir/dir2/dir2/file", True),
    ("**file", "file", True),
    ("**file", "dir/file", True),
    ("**/file*txt", "dir/dir/file.txt", True),
    ("**/**/*.txt", "dir/dir/file.txt", True),
    ("**/*.txt", "file.txt", True),
    ("a**/*.txt", "a/file.txt", True),
    ("a**/*.txt", "a/dir/dir/file.txt", True),
    ("a[b-d]e", "ace", True),
    ("a[b-d]e", "ae", False),
    ("abc.def", "abcdef", False),
    ("abc?def", "abc/def", False),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
    ("a\\*b", "a*b", True),
    ("a\\*b", "axb", False),
    ("a\\", "a\\", True),
    ("*", "dir/file", True),
    ("*.txt", "dir/file.txt", False),
    ("dir", "dir/file", True),
    ("dir/", "dir/file", True),
    ("./dir", "dir/file", True),
    ("/dir", "dir/file", True),
    ("dir", "other/dir/file", False),
    ("**/dir", "other/dir/file", True),
    ("wheelhous[e]", "wheelhouse/a", True),
    ("*", "*", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), CASES)
def test_a_pattern_leaves_out_what_docker_leaves_out(pattern, path, expected):
    assert is_ignored(path, parse_dockerignore(pattern)) is expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("*\n!app", "app/main.py", False),
        ("*\n!app", "other/main.py", True),
        ("*\n!app\n**/__pycache__", "app/__pycache__/x", True),
        ("!app\n*", "app/main.py", True),
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/other.md", True),
        ("# docs\n", "docs", False),
        (" # docs", "# docs", True),
        ("\ufeffdocs", "docs", True),
        ("  docs  ", "docs", True),
        ("\r\ndocs\r\n", "docs", True),
        ("! app\n", "app", False),
        ("", "anything", False),
    ],
)
def test_the_last_matching_line_decides(text, path, expected):
    assert is_ignored(path, parse_dockerignore(text)) is expected


@pytest.mark.parametrize("text", ["!", "! ", "a[", "[z-a]"])
def test_a_line_that_docker_refuses_is_refused(text):
    with pytest.raises(ContextInvalid):
        parse_dockerignore(text)


@given(st.text(), st.text(alphabet="ab/*.", min_size=1))
def test_any_file_of_patterns_is_read_or_refused(text, path):
    try:
        assert is_ignored(path, parse_dockerignore(text)) in (True, False)
    except ContextInvalid as error:
        assert str(error).isascii()
