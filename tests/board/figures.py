"""`python -m tests.board.figures FILE`: what only many runs can say, each with how many there were.

Bad releases of two lifetimes, releases that never become healthy, and deploys that are killed at
every state of the journal, on several stacks of the rehearsal's server at once. How each ended is
judged by that server's Docker and by the port, never by what the run says of itself.
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import queue
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from bench.served import served
from tests.server.conftest import expect_good, fresh_stack
from tests.server.crew import SIZE
from tests.server.driver import Outcome, Stack, Value
from tests.server.images import Image
from tests.server.interruption import STATES, kill_at
from tests.server.observer import running, version

QUICK: dict[str, Value] = {"window": 1, "probes": 2, "timeout": 8}
LIFETIMES = ("crash", "lives-0.7")
# Longer than the longer life.
WINDOW: dict[str, Value] = {"window": 2, "probes": 3}
CRASHES, NEVER_HEALTHY, KILLS = 24, 30, 20
AFTER_KILL_S = 5.0


@dataclass(frozen=True)
class Figure:
    """One line: what was counted, in how many runs, what was found."""

    name: str
    runs: int
    found: str


@dataclass
class Counts:
    """What the runs have come to, so far."""

    wrong_image: list[bool] = field(default_factory=list)
    false_success: dict[str, list[bool]] = field(default_factory=dict)
    down_after_kill: list[bool] = field(default_factory=list)
    down_after_recovery: list[bool] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)
    locked: list[bool] = field(default_factory=list)
    next_broken: list[bool] = field(default_factory=list)

    def judge(self, stack: Stack, done: Outcome, image: Image) -> None:
        """A run that says it went well must have left this image running."""
        if done.exit_code == 0:
            self.wrong_image.append(running(stack) != (image.reference, image.config))


class Runs:
    """The stacks, and the images that go there."""

    def __init__(self, stacks: list[Stack], images: dict[str, Image]) -> None:
        self.images, self.counts = images, Counts()
        self._free: queue.SimpleQueue[Stack] = queue.SimpleQueue()
        self._size = len(stacks)
        for stack in stacks:
            self._free.put(stack)

    def all_of(self, jobs: list[Callable[[Stack], None]]) -> None:
        """Each on a stack that no other uses."""

        def work(job: Callable[[Stack], None]) -> None:
            stack = self._free.get()
            try:
                job(stack)
            finally:
                self._free.put(stack)

        with ThreadPoolExecutor(self._size) as pool:
            for at, _ in enumerate(pool.map(work, jobs), start=1):
                print(f"{at} of {len(jobs)}", file=sys.stderr, flush=True)

    def bad(self, kind: str, mode: str, candidate: str) -> Callable[[Stack], None]:
        """A release that must not be told as deployed."""

        def run(stack: Stack) -> None:
            given = {**QUICK, **(WINDOW if mode in LIFETIMES else {}), "candidate": candidate}
            done = stack.deploy(self.images[mode], **given)
            self.counts.false_success.setdefault(kind, []).append(done.exit_code == 0)
            self.counts.judge(stack, done, self.images[mode])

        return run

    def killed(self, state: str) -> Callable[[Stack], None]:
        """A deploy that is killed there; then recovery, then a deploy that must go well."""

        def run(stack: Stack) -> None:
            counts = self.counts
            kill_at(stack, state, self._other(stack), **QUICK)
            time.sleep(AFTER_KILL_S)
            counts.down_after_kill.append(not answers(stack))
            began = time.monotonic()
            done = stack.recover()
            counts.recovery_s.append(time.monotonic() - began)
            counts.locked.append(done.code == "Locked")
            counts.down_after_recovery.append(not answers(stack))
            following = self._other(stack)
            done = stack.deploy(following, **QUICK)
            counts.next_broken.append(done.exit_code != 0)
            counts.judge(stack, done, following)

        return run

    def _other(self, stack: Stack) -> Image:
        is_good = running(stack)[0] == self.images["good"].reference
        return self.images["second" if is_good else "good"]


def answers(stack: Stack) -> bool:
    """The published port serves a release."""
    try:
        return bool(version(stack))
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def figures(counts: Counts) -> list[Figure]:
    """The lines of the page."""
    well, took = len(counts.wrong_image), counts.recovery_s
    bound = f"{sum(counts.wrong_image)}; fewer than {3 / well:.1%}, by the rule of three"
    times = f"{median(took):.1f} s in the middle, {max(took):.1f} s at most"
    counted = {
        "the next deploy broken by a SIGKILL": counts.next_broken,
        "a lock left behind by a SIGKILL": counts.locked,
        f"service down {AFTER_KILL_S:g} s after a SIGKILL": counts.down_after_kill,
        "service down after recovery": counts.down_after_recovery,
    }
    return [
        *(
            Figure(f"success told of {kind}", len(ended), str(sum(ended)))
            for kind, ended in counts.false_success.items()
        ),
        Figure("success told while another image ran", well, bound),
        *(Figure(name, len(seen), str(sum(seen))) for name, seen in counted.items()),
        Figure("time to recover from a SIGKILL", len(took), times),
    ]


@contextlib.contextmanager
def ready(folder: Path) -> Iterator[Runs]:
    """Several stacks that run the good image."""
    place = served(folder)
    modes = ("good", "second", *LIFETIMES, "slow-600")
    images = {
        mode: place.maker.make(f"20260123-1705{at:02}", mode) for at, mode in enumerate(modes)
    }
    fresh = contextlib.contextmanager(fresh_stack)
    with contextlib.ExitStack() as all_of_them:
        made = [fresh(place.server, place.credentials, "dash") for _ in range(SIZE)]
        stacks = [all_of_them.enter_context(each) for each in made]
        for stack in stacks:
            expect_good(stack, images["good"])
        yield Runs(stacks, images)


def main() -> None:
    """Run everything and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.board.figures", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of the runs, to try it out")
    given = parser.parse_args()
    if os.geteuid() != 0:
        # The page has the rows that could be tried, and says nothing of what could not.
        print("figures are left out: only root can start a server of its own", file=sys.stderr)
        given.output.write_text("[]")
        return

    def times(count: int) -> int:
        return max(1, round(count * given.share))

    with tempfile.TemporaryDirectory(prefix="ci-figures-") as folder, ready(Path(folder)) as runs:
        candidates = itertools.cycle(("on", "off"))
        jobs = [
            runs.bad(f"a crash loop ({mode})", mode, next(candidates))
            for mode in LIFETIMES
            for _ in range(times(CRASHES))
        ]
        kind = "a release that is never healthy"
        jobs += [runs.bad(kind, "slow-600", next(candidates)) for _ in range(times(NEVER_HEALTHY))]
        jobs += [runs.killed(state) for state in STATES for _ in range(times(KILLS))]
        runs.all_of(jobs)
        found = [dataclasses.asdict(each) for each in figures(runs.counts)]
    given.output.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
