"""Showing text that somebody else wrote."""

SHOWN_CHARACTERS = 80


def shown(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Quote text in ASCII, escaped and cut, so that no terminal or log can be misled by it."""
    cut = text if len(text) <= limit else text[:limit] + "..."
    # "::" starts a workflow command in GitHub's logs.
    return ascii(cut).replace("::", ":\\x3a")


def first_stranger(text: str, allowed: str) -> str:
    """Name the first character that is not in `allowed`, or "" when there is none."""
    for at, character in enumerate(text):
        if character not in allowed:
            return f"{shown(character)} (U+{ord(character):04X}) at position {at + 1}"
    return ""


def harmless(text: str) -> str:
    """Show a line whole, without what a terminal or a log could take for a command."""
    printable = "".join(each if each.isprintable() else "?" for each in text)
    return printable.replace("::", ": :")
