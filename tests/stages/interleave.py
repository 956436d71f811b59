"""Every interleaving of two publishers: a model checker over the real code on a simulated registry.

A schedule says, step by step, which waiting request is carried out next. Coroutines cannot be
copied, so a schedule is run from its beginning each time; what keeps that affordable are three
reductions, none of which loses an end that some interleaving has:

1. Only requests that touch a tag are steps. What is read by digest cannot change between two
   reads: the model only ever adds content, before a tag leads to it, and a client asks only for
   digests that a tag or its own build gave it. `Watched` fails the run where that is not so.
   Reading a tag that no other client puts is none either, for the same reason, nor is putting
   `unverified` when nobody is left who will read it.
2. A client is deterministic: what it does next follows from the answers that it got. So store and
   both clients' answers are the whole state, and what comes after a state that was seen before was
   explored then.
3. Answers to requests that one client has under way together are a set, not a sequence: the code
   puts them in the places of their requests (`ci.together`), whatever order they came in.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from ci.decisions.tags import UNVERIFIED
from ci.errors import PipelineError
from ci.oci.digest import Digest
from ci.oci.reference import Tag
from ci.publish import Published
from tests.contract.simulator import RegistrySimulator
from tests.stages.model import Client

Request = tuple[int, str, int]  # whose, what, and for the how manieth time
State = tuple[frozenset, frozenset, frozenset]
Outcome = Published | PipelineError
PUSH = "pushed blobs"
STEPS = ("put ", "tags", "manifest ", PUSH)


@dataclass
class Watched(RegistrySimulator):
    """Notes every answer that could have been another one, and insists on what cannot."""

    note: Callable[[str, object], None] = print
    puts: str = ""

    async def manifest(self, identifier):
        found = await super().manifest(identifier)
        self.note(f"manifest {identifier}", found.digest if found else None)
        assert found or isinstance(identifier, Tag), f"{identifier} was read before it was there"
        return found

    async def blob(self, descriptor):
        found = await super().blob(descriptor)
        assert found is not None
        return found

    async def blob_size(self, digest):
        found = await super().blob_size(digest)
        assert found is not None
        return found

    async def tags(self):
        found = await super().tags()
        # That `unverified` is among them says nothing to anybody: it is no release.
        self.note("tags", releases(found))
        return found

    async def push_manifest(self, tag, document):
        assert tag.text in (self.puts, "latest")
        await super().push_manifest(tag, document)
        self.note(f"put {tag}", document.digest)


def releases(names: Iterable[str]) -> tuple[str, ...]:
    """The tags in a list that say something."""
    return tuple(sorted(set(names) - {UNVERIFIED.text}))


@dataclass
class Run:
    """Two clients at work, each of their steps waiting to be let through."""

    clients: list[Client]
    waiting: dict[Request, asyncio.Future] = field(default_factory=dict)
    counts: dict[tuple[int, str], int] = field(default_factory=dict)
    answers: tuple[set, set] = field(default_factory=lambda: (set(), set()))
    tasks: list[asyncio.Task] = field(default_factory=list)

    def is_step(self, me: int, point: str) -> bool:
        """Whether the other client could change what this gives, or see what it does."""
        others = {client.tag for client in self.clients[:me] + self.clients[me + 1 :]}
        is_private = point == f"manifest {self.clients[me].tag}" and point[9:] not in others
        is_unseen = point == PUSH and self.is_read[1 - me]
        return point.startswith(STEPS) and "sha256:" not in point and not (is_private or is_unseen)

    @property
    def is_read(self) -> list[bool]:
        """Who has read `unverified`, which everybody does once."""
        return [any(each[0] == f"manifest {UNVERIFIED}" for each in own) for own in self.answers]

    def gate(self, me: int) -> Callable[[str], Awaitable[None]]:
        async def wait(point: str) -> None:
            if not self.is_step(me, point):
                return
            nth = self.counts[me, point] = self.counts.get((me, point), 0) + 1
            # Two of the same at once could not be told apart by their answers.
            assert (me, point, nth - 1) not in self.waiting
            let_through = asyncio.get_running_loop().create_future()
            self.waiting[me, point, nth] = let_through
            await let_through
            if self.is_step(me, point) and point == PUSH:
                self.answers[me].add((point, nth, None))

        return wait

    def note(self, me: int) -> Callable[[str, object], None]:
        def note(point: str, answer: object) -> None:
            if not self.is_step(me, point):
                return
            nth = 1 + sum(1 for each in self.answers[me] if each[0] == point)
            self.answers[me].add((point, nth, answer))

        return note

    @property
    def possible(self) -> list[Request]:
        """What may be carried out next.

        A registry has no conditional put: one that is under way for longer than the other client
        waits between its two agreeing reads (`AGREEMENT_S`) comes too late to be seen by anybody.
        Where their bytes differ, no interleaving here has that; all shorter delays are in.
        """
        return sorted(each for each in self.waiting if not self.is_outlasted(*each[:2]))

    def is_outlasted(self, me: int, point: str) -> bool:
        """Whether this is an agreeing read that the other's put comes before."""
        differs = self.clients[0].salt != self.clients[1].salt
        if not differs or point != f"manifest {self.clients[me].tag}":
            return False
        put = f"put {self.clients[me].tag}"
        own = {answer for what, _, answer in self.answers[me] if what == put}
        has_seen_own = any(what == point and answer in own for what, _, answer in self.answers[me])
        has_waited = self.clients[me].clock.spent_s > 0
        return (
            has_seen_own
            and has_waited
            and any(other != me and what == put for other, what, _ in self.waiting)
        )

    async def step(self, request: Request) -> None:
        """Carry one request out and let its client go on as far as it comes."""
        self.waiting.pop(request).set_result(None)
        await self.settled()
        for other in [each for each in self.waiting if not self.is_step(*each[:2])]:
            self.waiting.pop(other).set_result(None)
            await self.settled()

    async def settled(self) -> None:
        """Wait until everybody waits for a request: nothing else is ready in the loop."""
        ready = asyncio.get_running_loop()._ready
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110 - it is the loop itself that is waited for
            await asyncio.sleep(0)

    @property
    def state(self) -> State:
        """Everything that what follows depends on."""
        held = self.clients[0].store.tags.items()
        is_unseen = all(self.is_read)
        tags = frozenset(pair for pair in held if not (is_unseen and pair[0] == UNVERIFIED.text))
        return tags, frozenset(self.answers[0]), frozenset(self.answers[1])

    def outcomes(self) -> list[Outcome]:
        return [task.result() for task in self.tasks]


@contextlib.asynccontextmanager
async def running(clients: list[Client]) -> AsyncIterator[Run]:
    """Start both."""
    run = Run(clients)

    async def publish(client: Client) -> Outcome:
        try:
            return await client.publish()
        except PipelineError as error:
            return error

    for me, client in enumerate(clients):
        client.gate = run.gate(me)
        client.registry = partial(Watched, note=run.note(me), puts=client.tag)
    run.tasks = [asyncio.ensure_future(publish(client)) for client in clients]
    try:
        await run.settled()
        yield run
    finally:
        for task in run.tasks:
            task.cancel()
        await asyncio.gather(*run.tasks, return_exceptions=True)


Start = Callable[[], list[Client]]
Judge = Callable[[list[Client], list[Outcome]], None]
Turn = tuple[State, list[Request]]  # a state, and the schedule that leads from it where none went


@dataclass
class Explored:
    """The states that there are, and which follow each; `runs` is what it took."""

    judge: Judge
    follows: dict[State, list[State]] = field(default_factory=dict)
    puts: dict[tuple[Request, frozenset], Digest] = field(default_factory=dict)
    runs: int = 0

    @property
    def schedules(self) -> int:
        """How many interleavings of the steps these states stand for."""
        ways: dict[State, int] = {}
        todo = [next(iter(self.follows))]
        while todo:
            missing = [each for each in self.follows[todo[-1]] if each not in ways]
            if missing:
                todo += missing
            else:
                state = todo.pop()
                ways[state] = sum(ways[each] for each in self.follows[state]) or 1
        return ways[state]

    async def follow(self, run: Run, schedule: list[Request]) -> list[Turn]:
        """Go along a schedule and on to where all was seen; returns what turns off from it."""
        self.runs += 1
        turns: list[Turn] = []
        for request in schedule[:-1]:
            await run.step(request)
        *_, last = schedule or [None]
        while True:
            if last:
                before = run.state
                await run.step(last)
                self.follows[before].append(run.state)
                self.learn(before, last, run.state)
            state = run.state
            if state in self.follows:
                return turns
            self.follows[state] = []
            if not run.waiting:
                self.judge(run.clients, [task.result() for task in run.tasks])
                return turns
            unseen = []
            for request in run.possible:
                if (known := self.foretell(state, request)) in self.follows:
                    self.follows[state].append(known)
                else:
                    unseen.append(request)
            if not unseen:
                return turns
            last, *others = unseen
            turns += [(state, [*schedule, other]) for other in others]
            schedule = [*schedule, last]

    def learn(self, before: State, request: Request, after: State) -> None:
        """Keep what a put does, and hold what was foretold against what came."""
        me, point, _ = request
        foretold = self.foretell(before, request)
        assert foretold in (None, after), request
        if point.startswith("put "):
            self.puts[request, before[1 + me]] = dict(after[0])[point.removeprefix("put ")]

    def foretell(self, state: State, request: Request) -> State | None:
        """Say which state a request leads to; None where only running it can tell."""
        me, point, nth = request
        tags = dict(state[0])
        what, _, tag = point.partition(" ")
        answer: object = releases(tags)
        if what == "manifest":
            answer = tags.get(tag)
        elif what != "tags":
            answer = tags[tag] = self.puts.get((request, state[1 + me]))
        if tag == UNVERIFIED.text or (what != "manifest" and answer is None) or point == PUSH:
            return None
        answers = list(state[1:])
        answers[me] |= {(point, nth, answer)}
        return frozenset(tags.items()), *answers


async def explore(start: Start, judge: Judge) -> Explored:
    """Judge the end of every interleaving."""
    found = Explored(judge)
    todo: list[Turn | None] = [None]
    while todo:
        turn = todo.pop()
        foretold = turn and found.foretell(turn[0], turn[1][-1])
        if turn and foretold in found.follows:
            found.follows[turn[0]].append(foretold)
            continue
        async with running(start()) as run:
            todo += await found.follow(run, turn[1] if turn else [])
    return found
