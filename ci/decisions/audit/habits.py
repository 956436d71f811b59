"""Rules about how jobs are written: permissions, pins, inputs, results, secrets, host keys."""

import re
from collections.abc import Iterator

from ci.decisions.audit.acts import (
    calls,
    deploys,
    ignored_results,
    looks_at_health,
    publishes,
    uploads,
)
from ci.decisions.audit.findings import Finding, finding
from ci.decisions.audit.permissions import judge_permissions
from ci.decisions.audit.quotes import excerpt
from ci.decisions.audit.reach import Workflows
from ci.decisions.audit.shell import without_comments
from ci.decisions.audit.workflow import Job, Step, Workflow

_PINNED = re.compile(r"[\w.-]+/[^@\s]+@[0-9a-f]{40}|docker://[^@\s]+@sha256:[0-9a-f]{64}", re.ASCII)
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_CHOSEN = re.compile(
    r"\b(github\.event\.(?!\w*\.?number\b)[\w.*\[\]-]+|inputs\.[\w-]+|github\.(head_ref|ref_name|ref)\b)"
)
_HARMLESS = re.compile(r"\.(sha|id|number|event_name)$")
_NO_HOST_KEY = re.compile(
    r"StrictHostKeyChecking[\s=\"']+(no|off|accept-new)\b|UserKnownHostsFile[\s=\"']+/dev/null"
    r"|^[^#\n]*\bssh-keyscan\b",
    re.IGNORECASE | re.MULTILINE,
)
_FIXED_TYPES = ("choice", "boolean", "number", "environment")


def judge_habits(workflows: Workflows) -> Iterator[Finding]:
    """Hold every job and step against the rules for each."""
    for workflow in workflows.all:
        for job in workflow.jobs:
            yield from judge_permissions(workflow, job)
            yield from _overlap(workflow, job)
            yield from _deploying_job(workflow, job)
            for step in job.steps:
                yield from _step(workflow, job, step)


def _step(workflow: Workflow, job: Job, step: Step) -> Iterator[Finding]:
    uses = step.uses
    if uses and not uses.startswith("./") and not _PINNED.fullmatch(uses):
        yield _at(
            workflow, step, "CI107", uses, "a tag or branch that its owner can move", step.line
        )
    yield from _injections(workflow, step)
    if match := _NO_HOST_KEY.search(without_comments(step.words)):
        text = match[0].strip()
        yield _at(workflow, step, "CI112", _place(workflow, job), text, _line_of(step, text))
    for command in step.commands:
        if _shows_password(command.program, command.words):
            line = step.run_line + command.line
            yield _at(workflow, step, "CI113", _place(workflow, job), command.words[0], line)
    yield from _ignored(workflow, job, step)


def _injections(workflow: Workflow, step: Step) -> Iterator[Finding]:
    for at, text in enumerate(step.run.split("\n")):
        for expression in _EXPRESSION.finditer(text):
            for match in _CHOSEN.finditer(expression[1]):
                name = match[1]
                if not _HARMLESS.search(name) and not _is_fixed_input(workflow, name):
                    line = step.run_line + at
                    seen = "stands in a script as text"
                    yield _at(workflow, step, "CI109", f"${{{{ {name} }}}}", seen, line)


def _is_fixed_input(workflow: Workflow, name: str) -> bool:
    """Whether an input can only be one of what the workflow itself lists."""
    key = name.removeprefix("github.event.").removeprefix("inputs.")
    inputs = workflow.triggers.get("workflow_dispatch", workflow.node.get("none")).get("inputs")
    return inputs.get(key).get("type").text in _FIXED_TYPES


def _ignored(workflow: Workflow, job: Job, step: Step) -> Iterator[Finding]:
    matters = bool(deploys(step) or publishes(step)) or looks_at_health(step)
    if not matters:
        return
    if step.may_fail or job.may_fail:
        what = "continue-on-error: its failure counts as success"
        yield _at(workflow, step, "CI111", _place(workflow, job), what, step.line)
    for act in ignored_results(step):
        what = f"whatever this gives, the step goes on: {act.text}"
        yield _at(workflow, step, "CI111", _place(workflow, job), what, act.line)


def _deploying_job(workflow: Workflow, job: Job) -> Iterator[Finding]:
    acting = [step for step in job.steps if deploys(step)]
    if not acting or any(calls(step, "deploy", "release", "rollback") for step in acting):
        return
    place, step = _place(workflow, job), acting[0]
    line = deploys(step)[0].line
    words = "\n".join(without_comments(each.words) for each in acting).lower()
    if "digest" not in words and "@sha256:" not in words:
        what = "nothing in it names a digest: a tag can be moved, or be an old local image"
        yield _at(workflow, step, "CI114", place, what, line)
    if not any(uploads(each) for each in job.steps):
        what = "no file goes to the server: its compose file and scripts are whatever lies there"
        yield _at(workflow, step, "CI115", place, what, line)
    if not any(looks_at_health(each) for each in job.steps):
        yield _at(workflow, step, "CI111", place, "nobody asks how the service is afterwards", line)


def _overlap(workflow: Workflow, job: Job) -> Iterator[Finding]:
    is_deploying = any(deploys(step) for step in job.steps)
    if not is_deploying and not any(publishes(step) for step in job.steps):
        return
    groups = [part.get("concurrency") for part in (job.node, workflow.node)]
    if all(group.is_null for group in groups):
        what, line = "two runs may work at the same time", job.line
    elif cutting := [g for g in groups if is_deploying and g.get("cancel-in-progress").is_true]:
        what, line = "a newer run ends a deploy in the middle", cutting[0].line
    else:
        return
    quote = excerpt(workflow, job.path, line, more=1)
    yield finding("CI116", _place(workflow, job), what, quote, path=job.path, line=line)


def _shows_password(program: str, words: tuple[str, ...]) -> bool:
    if program == "sshpass":
        return any(word.startswith("-p") for word in words[1:])
    if program not in ("docker", "podman", "buildah", "skopeo", "crane", "helm", "oras"):
        return False
    given = any(re.match(r"(-p|--password)(=|$)", word) for word in words)
    return "login" in words[1:4] and given


def _line_of(step: Step, text: str) -> int:
    first = text.split("\n", maxsplit=1)[0]
    for at, line in enumerate(step.run.split("\n")):
        if first in line:
            return step.run_line + at
    return step.line


def _place(workflow: Workflow, job: Job) -> str:
    return f"{workflow.path}, job {job.key}"


def _at(workflow: Workflow, step: Step, key: str, subject: str, seen: str, line: int) -> Finding:
    quote = excerpt(workflow, step.path, line)
    return finding(key, subject, seen, quote, path=step.path, line=line)
