"""GitHub workflows as values, each part with the line it stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ci.decisions.audit.shell import Command, parse_commands
from ci.decisions.audit.yaml12 import Node, Unreadable, parse_yaml

FOLDER = ".github/workflows"


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a job; `path` is the file it stands in, which may be another workflow's."""

    node: Node
    path: str

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.node.line

    @property
    def uses(self) -> str:
        """The action, with its ref."""
        return self.node.get("uses").text

    @property
    def run(self) -> str:
        """The script; that of an action which runs one elsewhere, too."""
        return self.node.get("run").text or self.node.get("with").get("script").text

    @property
    def run_line(self) -> int:
        """The file's line of the script's first."""
        node = self.node.get("run")
        if not node.text:
            node = self.node.get("with").get("script")
        # A block's text begins below its "|".
        return node.line + (node.style in ("|", ">"))

    @property
    def inputs(self) -> Mapping[str, str]:
        """What the action is given."""
        return {key: value.text for key, value in self.node.get("with").entries.items()}

    @property
    def condition(self) -> str:
        """Its `if`."""
        return self.node.get("if").text

    @property
    def may_fail(self) -> bool:
        """Whether its failure is taken for a success."""
        node = self.node.get("continue-on-error")
        return node.is_true or "${{" in node.text

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """What its script runs."""
        is_remote = "ssh" in self.uses
        return tuple(parse_commands(self.run, is_remote=is_remote))

    @cached_property
    def words(self) -> str:
        """Everything that it says, for what is looked for as text."""
        values = [*self.inputs.values(), *(v.text for v in self.node.get("env").entries.values())]
        return "\n".join([self.uses, self.run, *values])


@dataclass(frozen=True, eq=False)
class Job:
    """A job; where it calls a workflow of the same repository, the steps are that one's."""

    key: str
    node: Node
    path: str
    steps: tuple[Step, ...]
    permissions: Node

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.node.line

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs that it waits for."""
        return tuple(item.text for item in self.node.get("needs").items)

    @property
    def condition(self) -> str:
        """Its `if`."""
        return self.node.get("if").text

    @property
    def may_fail(self) -> bool:
        """Whether its failure is taken for a success."""
        return self.node.get("continue-on-error").is_true


@dataclass(frozen=True, eq=False)
class Workflow:
    """A workflow file."""

    path: str
    node: Node
    text: str
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """What other workflows call it."""
        return self.node.get("name").text or self.path

    @property
    def triggers(self) -> Mapping[str, Node]:
        """Its events, with their filters."""
        on = self.node.get("on")
        return on.entries or {item.text: Node(line=item.line) for item in on.items}

    def job(self, key: str) -> Job | None:
        """The job of this name."""
        return next((job for job in self.jobs if job.key == key), None)


@dataclass(frozen=True, slots=True)
class Broken:
    """A workflow file that cannot be read, and why."""

    path: str
    why: str
    line: int


def parse_workflows(files: Mapping[str, str]) -> tuple[list[Workflow], list[Broken]]:
    """Read all workflow files and the actions beside them.

    Args:
        files: path in the repository to text.
    """
    nodes: dict[str, Node] = {}
    broken: list[Broken] = []
    for path, text in sorted(files.items()):
        try:
            nodes[path] = _checked(parse_yaml(text), path)
        except Unreadable as error:
            broken.append(Broken(path, error.why, error.line))
    found = [
        Workflow(path, node, files[path], _jobs(path, node, nodes))
        for path, node in nodes.items()
        if is_workflow(path)
    ]
    return found, broken


def is_workflow(path: str) -> bool:
    """Whether GitHub takes this file for a workflow."""
    folder, _, name = path.rpartition("/")
    return folder == FOLDER and name.endswith((".yml", ".yaml"))


def _checked(node: Node, path: str) -> Node:
    if is_workflow(path):
        for key in ("on", "jobs"):
            if node.get(key).is_null:
                raise Unreadable(f"has no `{key}`", node.line)
    return node


def _jobs(path: str, node: Node, nodes: Mapping[str, Node]) -> tuple[Job, ...]:
    return tuple(
        _job(key, job, path, nodes, node.get("permissions"))
        for key, job in node.get("jobs").entries.items()
    )


def _job(key: str, node: Node, path: str, nodes: Mapping[str, Node], above: Node) -> Job:
    permissions = above if node.get("permissions").is_null else node.get("permissions")
    called = _local(node.get("uses").text)
    if called in nodes:
        steps = [
            step
            for job in nodes[called].get("jobs").entries.values()
            for step in _steps(job.get("steps"), called, nodes)
        ]
    elif node.get("uses").text:
        steps = [Step(node, path)]
    else:
        steps = _steps(node.get("steps"), path, nodes)
    return Job(key, node, path, tuple(steps), permissions)


def _steps(
    node: Node, path: str, nodes: Mapping[str, Node], *, is_outermost: bool = True
) -> list[Step]:
    """The steps of a list; those of the repository's own actions in their place."""
    found = []
    for item in node.items:
        folder = _local(item.get("uses").text)
        names = [name for name in (f"{folder}/action.yml", f"{folder}/action.yaml") if folder]
        action = next((name for name in names if name in nodes), "")
        if action and is_outermost:
            inner = nodes[action].get("runs").get("steps")
            found += _steps(inner, action, nodes, is_outermost=False)
        else:
            found.append(Step(item, path))
    return found


def _local(uses: str) -> str:
    """The path of something of the same repository; "" for everything else."""
    return uses[2:].rstrip("/") if uses.startswith("./") else ""
