"""Which jobs a pushed release tag reaches, and in what order they run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ci.decisions.audit.acts import Act, deploys, publishes
from ci.decisions.audit.expressions import is_surely_false, pushed
from ci.decisions.audit.patterns import FilterInvalid, Verdict, judge_push
from ci.decisions.audit.workflow import Broken, Job, Step, Workflow
from ci.decisions.audit.yaml12 import Node

_BY_TAG = ("push", "create")


@dataclass(frozen=True, slots=True)
class Doing:
    """A job's step that publishes or deploys."""

    workflow: Workflow
    job: Job
    step: Step
    act: Act
    at: int


@dataclass(frozen=True)
class Workflows:
    """All workflows, as a push of each of `tags` would find them."""

    all: tuple[Workflow, ...]
    broken: tuple[Broken, ...]
    tags: tuple[str, ...]

    @cached_property
    def publishing(self) -> tuple[Doing, ...]:
        """Every step that publishes."""
        return tuple(_doings(self.all, publishes))

    @cached_property
    def deploying(self) -> tuple[Doing, ...]:
        """Every step that reaches a server."""
        return tuple(_doings(self.all, deploys))

    def reached(self, doings: Sequence[Doing]) -> list[Doing]:
        """Those that the push of every tag reaches."""
        return [each for each in doings if not self.obstacle(each)]

    def obstacle(self, doing: Doing) -> str:
        """Why the push of a tag does not reach a step; "" when it does."""
        return next(filter(None, (self._obstacle(doing, tag) for tag in self.tags)), "")

    def verdict(self, workflow: Workflow, tag: str) -> Verdict:
        """Whether a tag's push starts a workflow, itself or by another one before it."""
        triggers = workflow.triggers
        if "push" in triggers:
            return judge_push(triggers["push"], tag)
        if "create" in triggers:
            return Verdict(starts=True)
        if "workflow_run" in triggers:
            names = {item.text for item in triggers["workflow_run"].get("workflows").items}
            before = [each for each in self.all if each.name in names]
            # A chain of several is not followed: the first link is reported all the same.
            direct = [each for each in before if "workflow_run" not in each.triggers]
            if any(self.verdict(each, tag).starts for each in direct):
                return Verdict(starts=True)
        return Verdict(starts=False, why=f"starts only on {', '.join(triggers) or 'nothing'}")

    def waits_for(self, job: Job, workflow: Workflow) -> set[str]:
        """The jobs that have ended, all of them, before `job` begins."""
        found, waiting = set[str](), list(job.needs)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                before = workflow.job(key)
                waiting += before.needs if before else ()
        return found

    def _obstacle(self, doing: Doing, tag: str) -> str:
        verdict = self.verdict(doing.workflow, tag)
        if not verdict.starts:
            return verdict.why
        known = pushed(tag) if "workflow_run" not in doing.workflow.triggers else {}
        for part in (doing.job, doing.step):
            if is_surely_false(part.condition, known):
                return f"`if: {part.condition}` is false for the tag {tag}"
        if _runs_anyway(doing.job):
            return ""
        before = (doing.workflow.job(key) for key in self.waits_for(doing.job, doing.workflow))
        for job in before:
            if job and is_surely_false(job.condition, known):
                return f"the job {job.key} that it waits for is left out: `if: {job.condition}`"
        return ""


def look_at(
    workflows: Sequence[Workflow], broken: Sequence[Broken], tags: Sequence[str]
) -> Workflows:
    """Bring workflows and tags together; those whose filters GitHub refuses count as broken."""
    sound, refused = [], list(broken)
    for workflow in workflows:
        push = workflow.triggers.get("push", Node())
        try:
            judge_push(push, "")
        except FilterInvalid as error:
            refused.append(Broken(workflow.path, f"on.push {error}", push.line))
        else:
            sound.append(workflow)
    return Workflows(tuple(sound), tuple(refused), tuple(tags))


def _doings(workflows: Sequence[Workflow], acts_of: Callable[[Step], list[Act]]) -> Iterator[Doing]:
    for workflow in workflows:
        for job in workflow.jobs:
            for at, step in enumerate(job.steps):
                for act in acts_of(step):
                    yield Doing(workflow, job, step, act, at)


def _runs_anyway(job: Job) -> bool:
    return any(word in job.condition for word in ("always()", "cancelled()", "failure()"))
