"""Names, numbers and lists as Go's libraries write and read them; expected values are theirs."""

import pytest

from ci.embedded.cli.flags import parse_float, parse_int, read_csv
from ci.embedded.cli.gotext import number, quoted, similar
from ci.embedded.cli.help import Pages, word_wrap
from ci.embedded.cli.names import (
    namespaced,
    to_camel,
    to_kebab,
    to_lower_camel,
    to_screaming_snake,
    to_snake,
)

# strcase v0.3.0: kebab, snake, camel, lower camel.
NAMES = {
    "my_func": ("my-func", "my_func", "MyFunc", "myFunc"),
    "MyFunc": ("my-func", "my_func", "MyFunc", "myFunc"),
    "HTTPServer": ("http-server", "http_server", "Httpserver", "httpserver"),
    "sha256Sum": ("sha-256-sum", "sha_256_sum", "Sha256Sum", "sha256Sum"),
    "x509": ("x-509", "x_509", "X509", "x509"),
    "experimentalWithAllGPUs": (
        "experimental-with-all-gp-us",
        "experimental_with_all_gp_us",
        "ExperimentalWithAllGpus",
        "experimentalWithAllGpus",
    ),
    "foo-bar": ("foo-bar", "foo_bar", "FooBar", "fooBar"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_spelled_as_strcase_spells_it(name: str) -> None:
    spelled = (to_kebab(name), to_snake(name), to_camel(name), to_lower_camel(name))
    assert spelled == NAMES[name]


def test_enum_members_are_in_capitals() -> None:
    assert to_screaming_snake("EStarGZ") == "E_STAR_GZ"


@pytest.mark.parametrize(
    ("name", "module", "expected"),
    [
        ("Report", "ci", "CiReport"),
        ("Ci", "ci", "Ci"),
        ("CiReport", "ci", "CiReport"),
        ("Cinema", "ci", "CiCinema"),
        ("Tool", "my-tool", "MyToolTool"),
    ],
)
def test_a_type_of_the_module_gets_its_name_in_front(name: str, module: str, expected: str) -> None:
    assert namespaced(name, module) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-1, "-1"),
        (999999, "999999"),
        (1000000, "1e+06"),
        (1234567, "1.234567e+06"),
        (-2500000, "-2.5e+06"),
        (1e21, "1e+21"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (123456.789, "123456.789"),
        (12345678.9, "1.23456789e+07"),
    ],
)
def test_a_number_is_printed_as_a_float64(value: float, expected: str) -> None:
    assert number(value) == expected


def test_text_is_quoted() -> None:
    assert quoted('a"b\\c\nd') == r'"a\"b\\c\nd"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a,b", ["a", "b"]),
        ("a,", ["a", ""]),
        ('a,"b,c"', ["a", "b,c"]),
        ('"a""b",c', ['a"b', "c"]),
        ("one\ntwo", ["one"]),
    ],
)
def test_a_list_is_one_line_of_csv(text: str, expected: list[str]) -> None:
    assert read_csv(text) == expected


BAD_LISTS = {
    'a"b': 'column 2: bare " in non-quoted-field',
    '"a"b': 'column 3: extraneous or missing " in quoted-field',
    '"a': 'column 3: extraneous or missing " in quoted-field',
    'a,"b" ,c': 'column 5: extraneous or missing " in quoted-field',
}


@pytest.mark.parametrize("text", BAD_LISTS)
def test_a_bad_list_is_refused_where_it_is_bad(text: str) -> None:
    with pytest.raises(ValueError, match="parse error on line 1") as caught:
        read_csv(text)
    assert str(caught.value).endswith(BAD_LISTS[text])


@pytest.mark.parametrize(
    ("text", "expected"), [("7", 7), ("-7", -7), ("0x10", 16), ("0b11", 3), ("017", 15), ("0", 0)]
)
def test_an_integer_may_name_its_base(text: str, expected: int) -> None:
    assert parse_int(text) == expected


@pytest.mark.parametrize("text", ["", " 1", "1.0", "x", "9223372036854775808", "08"])
def test_a_bad_integer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"strconv\.ParseInt: parsing"):
        parse_int(text)


@pytest.mark.parametrize("text", ["", "x", "1 ", "1_0"])
def test_a_bad_float_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"strconv\.ParseFloat: parsing"):
        parse_float(text)


def test_similar_names_are_near_or_begin_alike() -> None:
    assert similar("publsh", ["publish", "build", "tag"]) == ("publish",)
    assert similar("pub", ["publish", "build"]) == ("publish",)
    assert similar("zzzzzz", ["publish", "build"]) == ()


def test_words_wrap_at_spaces_and_after_hyphens() -> None:
    assert word_wrap("one two three", 8) == "one two\nthree"
    assert word_wrap("aa well-known", 8) == "aa well-\nknown"


def test_headings_are_bold_on_a_terminal_alone() -> None:
    rows = [("build", "Build it")]
    plain = Pages().table(("Name", "Description"), rows)
    assert plain == "Name    Description\nbuild   Build it\n"
    bold = Pages(is_bold=True).table(("Name", "Description"), rows)
    assert bold == "\x1b[1mName\x1b[0m    \x1b[1mDescription\x1b[0m\nbuild   Build it\n"
