"""Text that somebody else wrote, shown in a report without becoming part of it."""

import re


def visible(text: str) -> str:
    """Write what cannot be seen as escapes, and part what a log would take for a command.

    Controls, terminal sequences and marks that turn the direction of writing become visible;
    letters of every language stay. ``::`` begins a workflow command in GitHub's logs.
    """
    seen = "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)
    return seen.replace("::", ":\\x3a")


def one_line(text: str, limit: int = 200) -> str:
    """The same on one line, cut."""
    text = visible(text).replace("\n", " ").strip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def code_block(text: str, language: str = "") -> str:
    """A Markdown code block that its content cannot end."""
    body = visible(text)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def code_span(text: str, limit: int = 200) -> str:
    """A Markdown code span that its content cannot end, also in a table."""
    body = one_line(text, limit)
    if not body:
        return "(nothing)"
    # A "|" would end the table's cell even here; its neighbour of another block looks alike.
    body = body.replace("|", "¦")
    fence = "`" * (_longest_run(body) + 1)
    blank = " " if "`" in body[0] + body[-1] else ""
    return f"{fence}{blank}{body}{blank}{fence}"


def prose(text: str, limit: int = 300) -> str:
    """Markdown text in which nothing of the content is markup or becomes a link."""
    escaped = re.sub(r"([\\`*_{}\[\]()<>#+!|~&@$])", r"\\\1", one_line(text, limit))
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
