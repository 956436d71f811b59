"""The commands of a script, as far as a reader sees them: no comments, no words that are only said.

This is no shell: it parts a script into simple commands, so that `echo docker push` is not taken
for a push, and looks into what `ssh HOST '…'`, `sh -c '…'` and here-documents run elsewhere.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
_ENDS = {"&&", "||", ";", "|", "&", "|&", ";;", "(", ")", "((", "))", "\n"}
_BEFORE = {
    "if", "then", "else", "elif", "do", "while", "until", "time", "exec", "sudo", "env", "nohup",
    "command", "!", "{", "}", "exit_code=$(", "$",
}  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=.*", re.DOTALL)
_REMOTE = {"ssh", "bash", "sh", "dash", "zsh", "sshpass", "eval"}
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command: its words, the line of the script it stands on, and what follows it."""

    words: tuple[str, ...]
    line: int
    after: str = ""
    is_remote: bool = False

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(self.words)

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return self.words[0].rpartition("/")[2]


def parse_commands(script: str, *, is_remote: bool = False, depth: int = _DEPTH) -> list[Command]:
    """List a script's commands, in order; what cannot be parted is left as one word."""
    found: list[Command] = []
    for line, text in _logical_lines(_EXPRESSION.sub(_as_word, script)):
        found += _of_line(text, line, is_remote=is_remote, depth=depth)
    return found


def without_comments(script: str) -> str:
    """The script without lines that only comment, for what is looked for as text."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in script.split("\n"))


def _as_word(match: re.Match[str]) -> str:
    """An expression as one word, its blanks and signs out of the way."""
    return "${{" + re.sub(r"[^\w.\-]", "", match[0][3:-2]) + "}}"


def _logical_lines(script: str) -> Iterator[tuple[int, str]]:
    """Join what a backslash, an open quote or a here-document continues."""
    lines = script.split("\n")
    at = 0
    while at < len(lines):
        begun, text = at, lines[at]
        while at + 1 < len(lines) and (text.endswith("\\") or _is_open(text)):
            at += 1
            text = text[:-1] + lines[at] if text.endswith("\\") else f"{text}\n{lines[at]}"
        at += 1
        if here := _HEREDOC.search(text):
            body = []
            while at < len(lines) and lines[at].strip() != here[2]:
                body.append(lines[at])
                at += 1
            at += 1
            quoted = shlex.quote("\n".join(body))
            text = f"{text[: here.start()]} {quoted} {text[here.end() :]}"
        yield begun, text


def _is_open(text: str) -> bool:
    try:
        _split(text)
    except ValueError:
        return len(text) < 20_000
    return False


def _split(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return list(lexer)


def _of_line(text: str, line: int, *, is_remote: bool, depth: int) -> list[Command]:
    try:
        words = _split(text)
    except ValueError:
        words = text.split()
    found: list[Command] = []
    current: list[str] = []
    for word in [*words, "\n"]:
        if word not in _ENDS:
            current.append(word)
            continue
        if current := _stripped(current):
            found.append(Command(tuple(current), line, word, is_remote))
            if depth:
                found += _inside(found[-1], depth)
        current = []
    return found


def _stripped(words: list[str]) -> list[str]:
    """Drop what may stand before a command: assignments, keywords, sudo."""
    at = 0
    while at < len(words) and (words[at] in _BEFORE or _ASSIGNMENT.fullmatch(words[at])):
        at += 1
    return words[at:]


def _inside(command: Command, depth: int) -> list[Command]:
    """What a command has run elsewhere or by another shell: each of its words that is a script."""
    if command.program not in _REMOTE:
        return []
    is_remote = command.is_remote or command.program in ("ssh", "sshpass")
    scripts = [word for word in command.words[1:] if re.search(r"\s", word)]
    if not scripts and command.program == "ssh":
        scripts = [_after_host(command.words[1:])]
    found = []
    for script in filter(None, scripts):
        inner = parse_commands(script, is_remote=is_remote, depth=depth - 1)
        found += [Command(each.words, command.line, each.after, is_remote) for each in inner]
    return found


def _after_host(words: tuple[str, ...]) -> str:
    """The command that `ssh [options] HOST command …` runs there."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _SSH_WITH_VALUE else 1
    return " ".join(words[at + 1 :])


_SSH_WITH_VALUE = {f"-{letter}" for letter in "BbcDEeFIiJLlmOopQRSWw"}
