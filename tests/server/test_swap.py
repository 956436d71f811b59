"""What a client of the service notices of a deploy: asked all the while, at a rate of its own."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic as now

import pytest

from tests.server.observer import version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
RATE = 50
LIMIT_S = 10


@dataclass(slots=True)
class Load:
    """Requests, each sent when it is due, however long those before it take.

    `seen` has when each was sent, and the tag that answered it, "" where it was lost.
    """

    address: tuple[str, int]
    seen: list[tuple[float, str]] = field(default_factory=list)

    @property
    def answers(self) -> list[str]:
        """What each got, in the order in which they were sent."""
        return [tag for _, tag in sorted(self.seen)]

    def ask(self) -> None:
        """One request, on a connection of its own."""
        connection, sent = http.client.HTTPConnection(*self.address, timeout=LIMIT_S), now()
        tag = ""
        try:
            connection.request("GET", "/version")
            tag = json.loads(connection.getresponse().read())["tag"]
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            connection.close()
        self.seen.append((sent, tag))

    def offer(self, ended: threading.Event) -> None:
        """Send requests until `ended`, and wait for the last answer."""
        due = now()
        with ThreadPoolExecutor(RATE * LIMIT_S) as pool:
            while not ended.wait(max(0, due - now())):
                pool.submit(self.ask)
                due += 1 / RATE


@contextlib.contextmanager
def loaded(stack) -> Iterator[Load]:
    """Requests to the service's published port while the block lasts."""
    load, ended = Load((stack.remote.server["SERVER_HOST"], stack.port)), threading.Event()
    thread = threading.Thread(target=load.offer, args=(ended,))
    thread.start()
    try:
        yield load
    finally:
        ended.set()
        thread.join()


def gap_of(answers: list[str]) -> list[str]:
    """From the first lost answer to the last one."""
    lost = [at for at, tag in enumerate(answers) if not tag]
    return answers[lost[0] : lost[-1] + 1] if lost else []


def figure_of(answers: list[str], what: str) -> tuple[str, str]:
    """What the scoreboard says of it."""
    return "measured", f"{answers.count('')} of {len(answers)} requests lost to {what}"


def test_x14_a_good_release_loses_requests_in_one_gap(deployed, image, record_property):
    old, new = image("good"), image("second")
    for before, after, candidate in ((old, new, "on"), (new, old, "off")):
        with loaded(deployed) as load:
            done = deployed.deploy(after, candidate=candidate)
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        told = [tag for tag in load.answers if tag]
        assert told == [before.tag] * told.count(before.tag) + [after.tag] * told.count(after.tag)
        assert set(told) == {before.tag, after.tag}
        # Some may be answered at the edges of it; a second gap has a second or more before it.
        gap = gap_of(load.answers)
        assert len(gap) - gap.count("") < RATE
        record_property(*figure_of(load.answers, f"a good release, candidate {candidate}"))


def test_x14_a_bad_release_loses_no_request_where_it_must_prove_itself_first(
    deployed, image, record_property
):
    with loaded(deployed) as load:
        done = deployed.deploy(image("crash"))
    assert (done.exit_code, done.code) == (10, "CrashLoop"), done.text
    assert set(load.answers) == {image("good").tag}
    assert version(deployed) == image("good").tag
    record_property(*figure_of(load.answers, "a bad release, candidate on"))
