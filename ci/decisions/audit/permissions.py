"""Rules about a job's GITHUB_TOKEN: what its steps need, and what they do not."""

import re
from collections.abc import Iterator, Mapping

from ci.decisions.audit.acts import is_unreadable, publishes
from ci.decisions.audit.findings import Finding, finding
from ci.decisions.audit.quotes import excerpt
from ci.decisions.audit.workflow import Job, Workflow
from ci.decisions.audit.yaml12 import Node

_OWN_TOKEN = re.compile(r"GITHUB_TOKEN|github\.token", re.IGNORECASE)
_WRITING = {
    "contents": re.compile(r"git push|gh release|release-action|action-gh-release|create-release"),
    "packages": re.compile(r"ghcr|package", re.IGNORECASE),
}


def judge_permissions(workflow: Workflow, job: Job) -> Iterator[Finding]:
    """Hold what the token may do against what the job's steps do with it."""
    words = "\n".join(step.words for step in job.steps)
    is_publishing = any(publishes(step) for step in job.steps)
    needed = _needed(job, words, is_publishing=is_publishing)
    node = job.permissions
    if node.is_null:
        if is_publishing or job.steps:
            yield _found(workflow, job, "CI106", "not stated: the repository's default decides")
        return
    if node.text in ("write-all", "read-all"):
        if node.text == "write-all":
            yield _found(workflow, job, "CI106", "write-all")
        elif "packages" in needed:
            yield _found(workflow, job, "CI105", "packages: write is missing (read-all)")
        return
    given = {key: value.text for key, value in node.entries.items()}
    for scope, level in needed.items():
        if given.get(scope) not in (level, "write"):
            what = f"{scope}: {level} is missing; there is {_listed(given)}"
            yield _found(workflow, job, "CI105", what)
    if any(is_unreadable(step) for step in job.steps):
        return
    for scope in _excess(given, words, is_publishing=is_publishing):
        what = f"{scope}: write, and no step of the job writes there"
        yield _found(workflow, job, "CI106", what)


def _needed(job: Job, words: str, *, is_publishing: bool) -> dict[str, str]:
    needed = {}
    if any(step.uses.startswith("actions/checkout@") for step in job.steps):
        needed["contents"] = "read"
    text = words + "\n".join(_environment(job.node))
    if is_publishing and _OWN_TOKEN.search(text):
        needed["packages"] = "write"
    return needed


def _environment(node: Node) -> list[str]:
    return [value.text for value in node.get("env").entries.values()]


def _excess(given: Mapping[str, str], words: str, *, is_publishing: bool) -> Iterator[str]:
    for scope, writing in _WRITING.items():
        if given.get(scope) != "write":
            continue
        if scope == "packages" and is_publishing:
            continue
        if not writing.search(words):
            yield scope


def _listed(given: Mapping[str, str]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in given.items()) or "nothing"


def _found(workflow: Workflow, job: Job, key: str, what: str) -> Finding:
    line = job.permissions.line if not job.permissions.is_null else job.line
    quote = excerpt(workflow, job.path, line, more=2)
    return finding(key, f"{workflow.path}, job {job.key}", what, quote, path=job.path, line=line)
