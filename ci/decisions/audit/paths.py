"""Rules about the way from a pushed tag to a published image and a deploy of it."""

from collections.abc import Iterator

from ci.decisions.audit.acts import deploys, is_unreadable, publishes
from ci.decisions.audit.findings import Finding, Quote, finding
from ci.decisions.audit.quotes import excerpt
from ci.decisions.audit.reach import Doing, Workflows
from ci.decisions.audit.workflow import FOLDER, Step, Workflow

_PUSHING = "docker push|--push|push: true|skopeo copy|crane|regctl|daggerw call"


def judge_paths(workflows: Workflows) -> Iterator[Finding]:
    """Hold the workflows against the rules that ask whether a tag becomes an image."""
    yield from _unreadable(workflows)
    if not workflows.publishing:
        yield from _nothing_publishes(workflows)
    elif not workflows.reached(workflows.publishing):
        yield from _not_reached(workflows)
    yield from _workflow_runs(workflows)
    yield from _races(workflows)
    yield from _unpublished_deploys(workflows)


def _unreadable(workflows: Workflows) -> Iterator[Finding]:
    for each in workflows.broken:
        quote = Quote(f"sed -n '{max(each.line, 1)}p' {each.path}", each.why)
        yield finding("CI117", each.path, each.why, quote, path=each.path, line=each.line)


def _nothing_publishes(workflows: Workflows) -> Iterator[Finding]:
    hidden = list(_hidden(workflows))
    if hidden:
        yield from hidden
        return
    lines = [
        f"{workflow.path}: {len(_steps(workflow))} steps, {_count(workflow)} reach a server, none"
        " pushes an image"
        for workflow in workflows.all
    ]
    quote = Quote(f"grep -rnE '{_PUSHING}' {FOLDER}", "\n".join(lines) or "there is no workflow")
    first = next(iter(workflows.deploying), None)
    path, line = (first.step.path, first.act.line) if first else ("", 0)
    what = "no step of any workflow pushes an image"
    if first:
        what += f"; {first.workflow.path} deploys a tag all the same"
    yield finding("CI101", FOLDER, what, quote, path=path, line=line)


def _hidden(workflows: Workflows) -> Iterator[Finding]:
    for workflow in workflows.all:
        for step in _steps(workflow):
            if text := is_unreadable(step):
                yield finding(
                    "CI118",
                    text,
                    "what it runs stands elsewhere",
                    excerpt(workflow, step.path, step.line),
                    path=step.path,
                    line=step.line,
                )


def _not_reached(workflows: Workflows) -> Iterator[Finding]:
    for workflow in dict.fromkeys(doing.workflow for doing in workflows.publishing):
        doing = next(each for each in workflows.publishing if each.workflow is workflow)
        why = workflows.obstacle(doing)
        verdict = workflows.verdict(workflow, workflows.tags[0])
        on = workflow.node.get("on").line
        line = doing.job.line if verdict.starts else on
        quote = excerpt(workflow, workflow.path, line, more=4)
        subject = f"{workflow.path}, job {doing.job.key}"
        yield finding("CI102", subject, why, quote, path=workflow.path, line=line)
        if verdict.by_branches:
            yield finding("CI103", workflow.path, verdict.why, quote, path=workflow.path, line=line)


def _workflow_runs(workflows: Workflows) -> Iterator[Finding]:
    acting = [*workflows.publishing, *workflows.deploying]
    for workflow in dict.fromkeys(doing.workflow for doing in acting):
        if (trigger := workflow.triggers.get("workflow_run")) is None:
            continue
        names = ", ".join(item.text for item in trigger.get("workflows").items)
        yield finding(
            "CI104",
            workflow.path,
            f"it runs after {names or 'another workflow'}, as the default branch has it, with"
            " github.ref naming that branch",
            excerpt(workflow, workflow.path, trigger.line, more=2),
            path=workflow.path,
            line=trigger.line,
        )


def _races(workflows: Workflows) -> Iterator[Finding]:
    publishing = workflows.reached(workflows.publishing)
    if not publishing:
        return
    for doing in _first_of_each_job(workflows.reached(workflows.deploying)):
        if any(_is_before(workflows, other, doing) for other in publishing):
            continue
        other = publishing[0]
        yield finding(
            "CI108",
            f"{doing.workflow.path}, job {doing.job.key}",
            f"it may run before {other.workflow.path}, job {other.job.key}, has published",
            excerpt(doing.workflow, doing.job.path, doing.job.line, more=3),
            path=doing.job.path,
            line=doing.job.line,
        )


def _is_before(workflows: Workflows, published: Doing, deployed: Doing) -> bool:
    """Whether what `published` pushes is there when `deployed` begins."""
    if published.workflow is not deployed.workflow:
        # A workflow_run begins when the other has ended; that has a rule of its own.
        return "workflow_run" in deployed.workflow.triggers
    if published.job is deployed.job:
        return (published.at, published.act.line) <= (deployed.at, deployed.act.line)
    return published.job.key in workflows.waits_for(deployed.job, deployed.workflow)


def _unpublished_deploys(workflows: Workflows) -> Iterator[Finding]:
    if workflows.deploying and not workflows.publishing and not any(_hidden(workflows)):
        for doing in _first_of_each_job(workflows.deploying):
            yield _unpublished(doing, "the tag that it deploys is the work of no step")
        return
    publishing = workflows.reached(workflows.publishing)
    if publishing and all(map(_is_fixed, publishing)):
        names = ", ".join(name for doing in publishing for name in doing.act.references)
        yield _unpublished(
            publishing[0], f"only fixed tags are pushed ({names}), never the release's"
        )


def _unpublished(doing: Doing, why: str) -> Finding:
    quote = excerpt(doing.workflow, doing.step.path, doing.act.line, more=2)
    subject = f"{doing.workflow.path}, job {doing.job.key}"
    return finding("CI110", subject, why, quote, path=doing.step.path, line=doing.act.line)


def _is_fixed(doing: Doing) -> bool:
    """Whether everything that is pushed is named without any variable."""
    names = doing.act.references
    return bool(names) and not any("$" in name for name in names)


def _first_of_each_job(doings: list[Doing] | tuple[Doing, ...]) -> list[Doing]:
    return list({(each.workflow.path, each.job.key): each for each in reversed(doings)}.values())


def _steps(workflow: Workflow) -> list[Step]:
    return [step for job in workflow.jobs for step in job.steps]


def _count(workflow: Workflow) -> int:
    return sum(bool(deploys(step)) and not publishes(step) for step in _steps(workflow))
