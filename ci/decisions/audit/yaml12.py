"""YAML as GitHub reads it: version 1.2's words, with the line of everything.

PyYAML's own constructor reads version 1.1, where the key `on` is a boolean, `no` too, and `010` is
eight; here it only composes, and every scalar keeps its text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LIMIT_CHARACTERS = 512 * 1024
_DEPTH = 60


class Unreadable(ValueError):
    """Not YAML, or not a kind of it that anybody writes by hand."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.why, self.line = why, line


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar's text (None for null), a sequence or a mapping; the line of it or of its key.

    `style` is how a scalar is written: "" plain, a quote, or "|" and ">" for blocks.
    """

    value: "str | tuple[Node, ...] | Mapping[str, Node] | None" = None
    line: int = 0
    style: str = ""

    def get(self, key: str) -> "Node":
        """The value of a key; null where there is none."""
        return self.entries.get(key, Node(line=self.line))

    @property
    def entries(self) -> "Mapping[str, Node]":
        """A mapping's entries; none for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> "tuple[Node, ...]":
        """A sequence's items; a scalar stands for a sequence of itself, null for an empty one."""
        if isinstance(self.value, tuple):
            return self.value
        return (self,) if isinstance(self.value, str) else ()

    @property
    def text(self) -> str:
        """A scalar's text; "" for anything else."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def is_true(self) -> bool:
        """Whether it is the boolean true."""
        return not self.style and self.text in ("true", "True", "TRUE")

    @property
    def is_null(self) -> bool:
        """Whether there is nothing."""
        return self.value is None


def parse_yaml(text: str) -> Node:
    """Read one document.

    Raises:
        Unreadable: with the line, counted from one.
    """
    import yaml

    if len(text) > LIMIT_CHARACTERS:
        raise Unreadable(f"is longer than {LIMIT_CHARACTERS} characters")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(error.problem or "is no YAML", mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable("is no YAML") from error
    return Node() if root is None else _Reader().read(root, _DEPTH)


class _Reader:
    """Copies PyYAML's nodes, each once: an alias costs nothing, however often it is used."""

    def __init__(self) -> None:
        self._done: dict[int, Node] = {}

    def read(self, node: object, depth: int) -> Node:
        if (known := self._done.get(id(node))) is not None:
            return known
        line = node.start_mark.line + 1  # type: ignore[attr-defined]
        if depth == 0:
            raise Unreadable("is nested too deeply, or in a circle", line)
        found = self._done[id(node)] = self._copy(node, line, depth - 1)
        return found

    def _copy(self, node: object, line: int, depth: int) -> Node:
        import yaml

        if isinstance(node, yaml.SequenceNode):
            return Node(tuple(self.read(each, depth) for each in node.value), line)
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node.value, depth), line)
        assert isinstance(node, yaml.ScalarNode)
        style = node.style or ""
        is_null = not style and node.value in ("", "~", "null", "Null", "NULL")
        return Node(None if is_null else str(node.value), line, style)

    def _mapping(self, pairs: list[tuple[object, object]], depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in pairs:
            name = getattr(key, "value", None)
            line = key.start_mark.line + 1  # type: ignore[attr-defined]
            if not isinstance(name, str):
                raise Unreadable("has a key that is no text", line)
            if name in found:
                raise Unreadable(f"has the key {name[:40]!r} twice", line)
            read = self.read(value, depth)
            found[name] = Node(read.value, line, read.style)
        return found
