"""The audit's rules: stable numbers, and which of them explains which.

1xx looks at the repository and its workflows, 2xx at the registry, 3xx at the host.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is; the words are SARIF's levels."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Area(StrEnum):
    """Where a rule looks."""

    REPOSITORY = "repository"
    REGISTRY = "registry"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must not be.

    `after` names the rules that explain this one where they are broken too, the likeliest first.
    """

    id: str
    severity: Severity
    title: str
    fix: str
    after: tuple[str, ...] = ()

    @property
    def area(self) -> Area:
        """Where it looks, by its number."""
        return {"1": Area.REPOSITORY, "2": Area.REGISTRY, "3": Area.HOST}[self.id[2]]


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_UNPUBLISHED = ("CI101", "CI102", "CI110", "CI105")
_ALL = (
    Rule(
        "CI101",
        E,
        "No workflow publishes an image",
        "Add a workflow whose job publishes the image when a release tag is pushed.",
        ("CI117",),
    ),
    Rule(
        "CI102",
        E,
        "A release tag reaches no step that publishes",
        "Let `on: push: tags:` match the release tags, and no `if:` shut the job out.",
        ("CI103", "CI104", "CI117"),
    ),
    Rule(
        "CI103",
        E,
        "A branch filter keeps tags from triggering",
        "Name the release tags beside the branches: `tags: ['20*']`.",
    ),
    Rule(
        "CI104",
        W,
        "workflow_run works only from the default branch, and does not see the tag",
        "Publish and deploy in jobs of one workflow, joined by `needs`.",
    ),
    Rule(
        "CI105",
        E,
        "A job lacks a permission that its steps need",
        "Give the publishing job `contents: read` and `packages: write`, and no other.",
    ),
    Rule(
        "CI106",
        W,
        "Permissions are wider than the steps need, or not stated",
        "State `permissions: {}` for the workflow and the least for each job.",
    ),
    Rule(
        "CI107",
        W,
        "An action is not pinned to a commit",
        "Pin it: `uses: owner/action@<40 hexadecimal digits> # v1.2.3`.",
    ),
    Rule(
        "CI108",
        E,
        "A deploy does not wait for what it deploys",
        "Let the deploying job name the publishing one in `needs`.",
    ),
    Rule(
        "CI109",
        E,
        "Text that somebody else chooses becomes part of a script",
        'Hand it over in `env:` and use the variable in quotes: `"$TAG"`.',
    ),
    Rule(
        "CI110",
        E,
        "What is deployed is published by no step",
        "Publish the tag that the deploy names, before it, in the same workflow.",
        ("CI101", "CI102"),
    ),
    Rule(
        "CI111",
        E,
        "No result of a health check decides",
        "Let the step fail with its check: without `|| true`, without `continue-on-error`.",
    ),
    Rule(
        "CI112",
        E,
        "The server's host key is not checked",
        "Keep the server's public key in a known-hosts file that the repository or a variable"
        " holds.",
    ),
    Rule(
        "CI113",
        E,
        "A password stands on a command line",
        "Hand it over on standard input: `docker login --password-stdin`.",
    ),
    Rule(
        "CI114",
        W,
        "A deploy is by tag, not by digest",
        "Deploy `repository@sha256:…`, the digest that the publishing step printed.",
    ),
    Rule(
        "CI115",
        W,
        "What runs on the server is not uploaded",
        "Upload compose file and script with every deploy, from the commit that is deployed.",
    ),
    Rule(
        "CI116",
        W,
        "Runs can overlap, or cut each other off",
        "Give the job a `concurrency` group with `cancel-in-progress: false`.",
    ),
    Rule(
        "CI117",
        E,
        "A workflow file cannot be read",
        "Mend the file; until then GitHub runs nothing of it.",
    ),
    Rule(
        "CI118",
        N,
        "A step that this audit cannot read may publish",
        "Call the publishing command in the workflow itself, where everybody can see it.",
    ),
    Rule(
        "CI201",
        E,
        "A git tag has no image in the registry",
        "Publish it: `git checkout TAG`, then `./daggerw call publish --tag TAG`.",
        _UNPUBLISHED,
    ),
    Rule(
        "CI202",
        E,
        "A release is not whole",
        "Publish the source again under a new tag, then delete the broken one.",
    ),
    Rule(
        "CI203",
        E,
        "latest is not the newest release",
        "Publish the newest release again: it is found, verified, and latest is moved to it.",
        ("CI207", "CI202"),
    ),
    Rule(
        "CI204",
        W,
        "latest belongs to no release",
        "Publish a release; latest then follows it.",
        _UNPUBLISHED,
    ),
    Rule(
        "CI205",
        W,
        "An image does not say where it comes from",
        "Publish with labels for version and revision, as `./daggerw call publish` does.",
    ),
    Rule(
        "CI206",
        E,
        "A release lacks a platform, or calls one by a wrong name",
        "Build for every platform of ci.toml and publish under a new tag.",
    ),
    Rule(
        "CI207",
        E,
        "A tag is from the future",
        "Delete it in the registry: it would stand before every release until that day.",
    ),
    Rule(
        "CI208",
        E,
        "Tag and image name different commits",
        "Find out which one is meant; publish that commit under a new tag.",
    ),
    Rule(
        "CI209",
        N,
        "A publication stopped before its tag",
        "Run the same publish again: it goes on where it stopped.",
    ),
    Rule(
        "CI301",
        E,
        "What runs is not in the registry",
        "Deploy a published release by its digest.",
        ("CI201", *_UNPUBLISHED),
    ),
    Rule(
        "CI302",
        E,
        "What runs is not what its tag holds",
        "Deploy by digest; find out who moved the tag or started the container.",
        ("CI301", "CI114"),
    ),
    Rule(
        "CI303",
        E,
        "The service is not healthy",
        "Read its log; bring the last proven release back: `./daggerw call rollback`.",
    ),
    Rule(
        "CI304",
        E,
        "The ledger and the server disagree",
        "Deploy the release that is meant to run; nobody else may start the service.",
    ),
    Rule(
        "CI305",
        E,
        "A deploy was interrupted",
        "End it in old or new, proven: `./daggerw call recover`.",
    ),
    Rule(
        "CI306",
        W,
        "A container has no health check",
        "Give the image a HEALTHCHECK, or the service one in the compose file.",
    ),
    Rule(
        "CI307",
        E,
        "The compose file on the server is not the one that was proven",
        "Deploy again, which uploads the file; change it in the repository alone.",
        ("CI115",),
    ),
    Rule(
        "CI308",
        E,
        "The service does not run",
        "Bring the last proven release back: `./daggerw call rollback`.",
        ("CI305",),
    ),
    Rule(
        "CI309",
        N,
        "The newest release is not the one that runs",
        "Deploy it, if it is meant to run.",
    ),
)
RULES = {rule.id: rule for rule in _ALL}
