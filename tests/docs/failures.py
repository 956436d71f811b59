"""`python -m tests.docs.failures` writes docs/failures.md from the classes and from where they are
raised."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ci import errors, server_errors, transaction_errors
from ci.errors import PipelineError

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "failures.md"
GAP = "…"
SITES_SHOWN = 5
EXITS = {
    2: "Bad input: nothing was contacted",
    3: "Build",
    4: "The registry refuses",
    5: "The registry cannot answer",
    6: "What the registry holds is not what it should hold",
    7: "The server is not reached, or not identified",
    8: "Refused before anything on the server was changed",
    9: "Another run is at work on the server",
    10: "The deploy failed; the old release is proven to run",
    11: "The deploy failed; nothing is proven to run",
    12: "State, or internal",
}
INTRO = """\
# Failures

Generated from the code by `python -m tests.docs.failures`; do not edit. What stands for a value is
shown as …; a remedy that is put together at run time is not shown.

A function that cannot go on prints its code with what was seen, what is true now, and what to do. A
call exits 1 for any of them, as `dagger call` does; the class below says which kind it is, and is
the exit of the transaction on the server.
"""
_SHELL = re.compile(r'wrong ([A-Z]\w+) "((?:[^"\\]|\\.)*)"\s*\\?\s*"((?:[^"\\]|\\.)*)"')
_SUBSTITUTION = re.compile(r"\$\((?:[^()]|\([^()]*\))*\)|\$\{[^}]*\}|\$\w+")


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A place where a code is raised: what it says was seen, and to do."""

    cause: str
    remedy: str


def codes() -> dict[str, type[PipelineError]]:
    """Every code: the classes that no other is made from."""
    found = {
        name: kind
        for module in (errors, server_errors, transaction_errors)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, PipelineError)
    }
    bases = {base for kind in found.values() for base in kind.__mro__[1:]}
    return {name: kind for name, kind in sorted(found.items()) if kind not in bases}


def python_sites() -> Iterator[tuple[str, Site]]:
    """Where the module raises a code with texts that stand there."""
    for path in sorted((CHECKOUT / "ci").rglob("*.py")):
        if "embedded" in path.relative_to(CHECKOUT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                remedies = [each.value for each in node.keywords if each.arg == "remedy"]
                cause = written(node.args[0]) if node.args else ""
                remedy = written(remedies[0]) if remedies else ""
                if cause or remedy:
                    yield node.func.id, Site(cause, remedy)


def shell_sites() -> Iterator[tuple[str, Site]]:
    """Where the transaction on the server says a code."""
    for path in sorted((CHECKOUT / "ci" / "server").glob("*.sh")):
        for found in _SHELL.finditer(path.read_text()):
            cause, remedy = (_SUBSTITUTION.sub(GAP, text) for text in found.groups()[1:])
            yield found[1], Site(cause.replace("\\", ""), remedy.replace("\\", ""))


def written(node: ast.expr) -> str:
    """The text that an expression makes, values left open; "" where it makes nothing but values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = [part.value if isinstance(part, ast.Constant) else GAP for part in node.values]
    text = re.sub(r"\s+", " ", "".join(map(str, parts)))
    return text if text.strip(f"{GAP} ") else ""


def render_page() -> str:
    """The whole page."""
    known = codes()
    sites: dict[str, set[Site]] = {}
    for code, site in (*python_sites(), *shell_sites()):
        sites.setdefault(code, set()).add(site)
    lines = [INTRO]
    for number, title in EXITS.items():
        lines.append(f"## {number}: {title}\n")
        for name, kind in known.items():
            if kind.exit_class == number:
                lines.append(render_code(name, kind, sorted(sites.get(name, ()))))
    return "\n".join(lines)


def render_code(name: str, kind: type[PipelineError], sites: list[Site]) -> str:
    """One code's part of the page."""
    lines = [f"### {name}", "", (kind.__doc__ or "").strip(), ""]
    for site in sites[:SITES_SHOWN]:
        lines.append(f"- {site.cause or GAP}")
        if site.remedy:
            lines.append(f"  **do:** {site.remedy}")
    if sites:
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(render_page())
