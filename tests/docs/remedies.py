"""The commands that the texts of ci/ tell a reader to run; what is put in at run time is …"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.failures import GAP, written
from tests.faults.remedies import commands_of

CHECKOUT = Path(__file__).resolve().parents[2]
# The audit's commands show evidence, and the embedded engine has none.
APART = {"audit", "embedded"}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")


def named_commands() -> dict[str, set[str]]:
    """Every command, with the files that name it."""
    found: dict[str, set[str]] = {}
    for path, text in (*python_texts(), *shell_texts()):
        for command in commands_of(text):
            found.setdefault(command, set()).add(str(path.relative_to(CHECKOUT)))
    return found


def python_texts() -> Iterator[tuple[Path, str]]:
    """The literals of the module, those of documentation left out."""
    for path in sorted((CHECKOUT / "ci").rglob("*.py")):
        if APART.isdisjoint(path.relative_to(CHECKOUT).parts):
            tree = ast.parse(path.read_text())
            inside = {
                id(part)
                for node in ast.walk(tree)
                if isinstance(node, ast.JoinedStr | ast.Expr)
                for part in ast.walk(node)
                if part is not node and isinstance(part, ast.Constant)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.expr) and id(node) not in inside:
                    yield path, written(node)


def shell_texts() -> Iterator[tuple[Path, str]]:
    """What stands between quotes in the transaction's parts."""
    for path in sorted((CHECKOUT / "ci" / "server").glob("*.sh")):
        for found in _QUOTED.finditer(path.read_text()):
            yield path, _VARIABLE.sub(GAP, found[1])
