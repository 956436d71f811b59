"""Command lines for `module/` and what they print, on both engines.

Expected values are those of Dagger v0.21.8: its CLI and engine were run with a module of the same
functions, or its source says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SECRET = "s3cr3t-of-the-tests"
OBJECT = r"@(sha256|xxh3):[0-9a-f]+\n"


@dataclass(frozen=True, slots=True)
class Row:
    """A command line and its outcome.

    Attributes:
        line: The words after `dagger`, as a shell reads them.
        stdout: The whole standard output; None when `pattern` describes it.
        pattern: A regular expression for the whole standard output.
        error: A regular expression to be found on standard error.
        dotenv: The module's `.env` file.
    """

    line: str
    stdout: str | None = ""
    pattern: str = ""
    exit_code: int = 0
    error: str = ""
    dotenv: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    on: tuple[str, ...] = ("embedded", "dagger")


def prints(line: str, stdout: str, *, dotenv: str = "", **environ: str) -> Row:
    """A call that succeeds and prints this."""
    return Row(line, stdout, dotenv=dotenv, environ=environ)


def matches(line: str, pattern: str, **environ: str) -> Row:
    """A call that succeeds and prints what the regular expression describes."""
    return Row(line, None, pattern, environ=environ)


def fails(line: str, error: str, *, exit_code: int = 1, dotenv: str = "", **environ: str) -> Row:
    """A call that fails, prints nothing, and says this on standard error."""
    return Row(line, exit_code=exit_code, error=error, dotenv=dotenv, environ=environ)


def misuse(line: str, command: str, error: str) -> Row:
    """A command line that does not fit; the help that is pointed to is this command's."""
    return fails(line, rf"(?s)Error: {re.escape(error)}.*Run '{command} --help' for usage\.")


RESULTS = {
    "a text has no newline of its own": prints("call greet --name Bob", "hello Bob"),
    "a default": prints("call greet --name Bob --times 2", "hello Bob hello Bob"),
    "an equals sign": prints("call greet --name=Bob", "hello Bob"),
    "an option of the constructor": prints("call --greeting hi greet --name Bob", "hi Bob"),
    "a value that looks like an option": prints("call greet --name -v", "hello -v"),
    "a list, one a line": prints("call --words a --words b,c texts", "a\nb\nc\n"),
    "an empty list": prints("call texts", ""),
    "quotes keep a comma": prints("call --words 'a,\"b,c\"' texts", "a\nb,c\n"),
    "an integer": prints("call number --value 7", "7"),
    "a hexadecimal integer": prints("call number --value 0x10", "16"),
    "a large integer is a float to Dagger": prints("call number --value 1000000", "1e+06"),
    "a large integer in JSON": prints("call -j number --value 1000000", "1000000\n"),
    "a float": prints("call ratio --value 1.25", "1.25"),
    "a whole float": prints("call ratio --value 2", "2"),
    "a switch on and one off": prints("call switch --on --off=false", "true\nfalse\n"),
    "switches by default": prints("call switch", "false\ntrue\n"),
    "lists of everything": prints(
        "call many --texts a,b --texts c --numbers 1,2 --ratios 0.5,2 "
        "--switches true,F --colors red,GREEN",
        '[["a", "b", "c"], [1, 2], [0.5, 2.0], [true, false], ["RED", "GREEN"]]',
    ),
    "an enum by name": prints("call paint --color GREEN", "GREEN"),
    "an enum in another case": prints("call paint --color green", "GREEN"),
    "an enum's default": prints("call paint", "RED"),
    "null": prints("call maybe", "<nil>"),
    "null as JSON": prints("call --json maybe", "null\n"),
    "nothing": prints("call nothing", ""),
    "text as JSON": prints("call greet --name 'a<b>\"' -j", '"hello a<b>\\""\n'),
    "a list as JSON": prints("call -j --words a,b texts", '[\n    "a",\n    "b"\n]\n'),
    "no function": prints("call", "Query\n"),
    "another name for an argument": prints("call renamed --from x --two-words y", "x y"),
    "an argument in camel case": prints("call renamed --from x --twoWords y", "x y"),
    "another name for a function": prints("call other-name", "other"),
}

CHAINS = {
    "a field of the main object": prints("call --greeting hi greeting", "hi"),
    "a field of an object": prints("call leaf --name elm name", "elm"),
    "a field's default": prints("call leaf size", "1"),
    "a function of an object": prints("call leaf --name elm loud --mark '?'", "ELM?"),
    "an object that returns itself": prints("call leaf bigger --by 2 bigger size", "4"),
    "an object": matches("call leaf", "KindsLeaf" + OBJECT),
    "objects": matches("call leaves", f"(- KindsLeaf{OBJECT}){{2}}"),
    "a field of each object": prints("call leaves name", "oak\nelm\n"),
    "a function of each object": prints("call leaves loud", "OAK!\nELM!\n"),
    "a field of each object as JSON": prints(
        "call -j leaves name",
        '[\n    {\n        "name": "oak"\n    },\n    {\n        "name": "elm"\n    }\n]\n',
    ),
    "only fields outlive a call": prints("call noted note", "nothing is kept but fields"),
    "a core object": matches("call base", "Container" + OBJECT),
    "a function of a core object": prints("call base entrypoint", "/greeting\nnow\n"),
    "a file of a core object": prints(
        "call --greeting hi base file --path /greeting contents", "hi"
    ),
    "a change to a core object": prints(
        "call base with-new-file --path /a --contents b --permissions 0600 file --path /a contents",
        "b",
    ),
    "core objects": matches("call base labels", "- Label" + OBJECT),
    "a field of each core object": prints("call base labels name", "one\n"),
    "no value in a core object": prints("call base env-variable --name NOPE", "<nil>"),
    "a list of a core object as JSON": prints(
        "call -j files entries", '[\n    "a.txt",\n    "sub/"\n]\n'
    ),
    "a core object with arguments": prints("call files file --path sub/b.txt contents", "B"),
}

VALUES = {
    "a directory": prints("call listing --source src", "kinds/\n"),
    "a directory with Ignore": prints("call filtered --source .", "hello.txt\n"),
    "DefaultPath in the module's directory": prints("call own", "dagger.json\nhello.txt\n"),
    "DefaultPath in the repository": prints("call whole", "module/\ntop.txt\n"),
    "DefaultPath of a file": prints("call read", "from the module\n"),
    "a file": prints("call read --file ../top.txt", "at the top\n"),
    "DefaultPath of the git repository": prints("call history", "v1\n"),
    "a git repository": prints("call tags --repository ..", "v1\n"),
    "a secret from a variable": prints("call length --secret env:CANARY", "19", CANARY=SECRET),
    "a secret by address": prints("call length --secret env://CANARY", "19", CANARY=SECRET),
    "a secret by a bare name": prints("call length --secret CANARY", "19", CANARY=SECRET),
    "a secret from a file": prints("call length --secret file:hello.txt", "16"),
    "a secret from a command": prints("call length --secret 'cmd:printf abc'", "3"),
    "a platform": prints("call base --platform linux/arm64 platform", "linux/arm64"),
    "a cache volume": prints("call cached --volume some", "CacheVolume"),
    "a container": prints("call same --container python:3.11-slim platform", "linux/amd64"),
    "DefaultAddress": prints("call image", "linux/amd64"),
}

ERRORS = {
    "an argument is missing": misuse(
        "call greet", "dagger call greet", 'required flag(s) "name" not set'
    ),
    "an unknown function": misuse(
        "call gret", "dagger call", 'unknown command "gret" for "dagger call"'
    ),
    "nothing can follow a text": misuse(
        "call greet --name x more",
        "dagger call greet",
        'unknown command "more" for "dagger call greet"',
    ),
    "an unknown function of a core object": misuse(
        "call base nope", "dagger call base", 'unknown command "nope" for "dagger call base"'
    ),
    "an unknown option": misuse("call greet --nam x", "dagger call greet", "unknown flag: --nam"),
    "an unknown letter": misuse(
        "call greet -x", "dagger call greet", "unknown shorthand flag: 'x' in -x"
    ),
    "a value is missing": misuse(
        "call greet --name", "dagger call greet", "flag needs an argument: --name"
    ),
    "not a number": misuse(
        "call number --value abc",
        "dagger call number",
        'invalid argument "abc" for "--value" flag: '
        'strconv.ParseInt: parsing "abc": invalid syntax',
    ),
    "not a boolean": misuse(
        "call switch --on=maybe",
        "dagger call switch",
        'invalid argument "maybe" for "--on" flag: '
        'strconv.ParseBool: parsing "maybe": invalid syntax',
    ),
    "not one of the enum": misuse(
        "call paint --color blue",
        "dagger call paint",
        'invalid argument "blue" for "--color" flag: value should be one of GREEN,RED',
    ),
    "a quote inside a list's item": misuse(
        "call many --texts 'a\"b'",
        "dagger call many",
        'invalid argument "a\\"b" for "--texts" flag: '
        'parse error on line 1, column 2: bare " in non-quoted-field',
    ),
    "a value for a switch in a word of its own": misuse(
        "call switch --on false",
        "dagger call switch",
        'unknown command "false" for "dagger call switch"',
    ),
    "not a service's address": misuse(
        "call reach --service http://localhost:1",
        "dagger call reach",
        'failed to get value for argument "service": '
        'unsupported service address: "http". Must be a valid tcp:// or udp:// URL',
    ),
    "a service without a port": misuse(
        "call reach --service tcp://localhost",
        "dagger call reach",
        'failed to get value for argument "service": address localhost: missing port in address',
    ),
    "a directory that is not there": misuse(
        "call listing --source nowhere",
        "dagger call listing",
        'failed to get value for argument "source": ',
    ),
    "a function fails": fails("call fail --text 'of course'", "Error: .*of course"),
    "a secret that is not there": fails("call length --secret env:NOPE", "NOP"),
    "a path outside of the context": fails("call outside", "is outside of context directory"),
    "a command fails": fails("call fail-exec", r"(?s)Error: .*exit code: 7.*seen", exit_code=7),
    "no such function to list": fails("functions nope", 'no function "nope" in type "Query"'),
    "no functions of a text": fails(
        "functions greet",
        'function "greet" returns type "STRING_KIND" with no further functions available',
    ),
    "a word that is no command": fails("cal greet", 'unknown command.* "cal" for "dagger"'),
}

DOTENV = {
    "of the constructor": prints("call greet --name x", "salut x", dotenv="GREETING=salut\n"),
    "of a function": prints("call greet", "hello monde", dotenv="GREET_NAME=monde\n"),
    "in lower case": prints("call greet", "hello monde", dotenv="greet_name=monde\n"),
    "an option goes first": prints("call greet --name x", "hello x", dotenv="GREET_NAME=y\n"),
    "the module's name goes first": prints(
        "call greet --name x", "a x", dotenv="KINDS_GREETING=a\nGREETING=b\n"
    ),
    "of another object's function": prints("call leaf loud", "OAK?", dotenv="LEAF_LOUD_MARK=?\n"),
    "an integer": prints("call number", "7", dotenv="NUMBER_VALUE=7\n"),
    "a boolean": prints("call switch", "true\ntrue\n", dotenv="SWITCH_ON=true\n"),
    "a list": prints("call words", "a\nb\n", dotenv="WORDS=a,b\n"),
    "an enum in JSON": prints("call paint", "GREEN", dotenv="PAINT_COLOR='\"GREEN\"'\n"),
    "a directory": prints("call listing", "kinds/\n", dotenv="LISTING_SOURCE=src\n"),
    "a directory with Ignore": prints("call filtered", "hello.txt\n", dotenv="FILTERED_SOURCE=.\n"),
    "a secret": prints("call length", "19", dotenv="LENGTH_SECRET=env://CANARY\n", CANARY=SECRET),
    "quotes and variables": prints(
        "call greet --name x", "a b=c x", dotenv="GREETING=\"a $B\"\nB='b=c'\n"
    ),
    "a variable of the environment": prints(
        "call greet --name x", "here x", dotenv="GREETING=${PLACE}\n", PLACE="here"
    ),
    "a default for a variable": prints(
        "call greet --name x", "else x", dotenv="GREETING=${NOT_SET_HERE:-else}\n"
    ),
    "a comment line, an export, a hash in a value": prints(
        "call greet --name x", "a # b x", dotenv="# GREETING=c\nexport GREETING=a # b\n"
    ),
    "an unset variable": fails(
        "call greet --name x", "NOPE: unbound variable", dotenv="GREETING=$NOPE\n"
    ),
    "an enum by its bare name": fails(
        "call paint", "not valid JSON: 'GREEN'", dotenv="PAINT_COLOR=GREEN\n"
    ),
    "not an integer": fails("call number", "parse as integer", dotenv="NUMBER_VALUE=x\n"),
}

GROUPS = {
    "result": RESULTS,
    "chain": CHAINS,
    "value": VALUES,
    "error": ERRORS,
    "env": DOTENV,
}
