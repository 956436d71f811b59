"""`python -m bench deploy`: what is lost while good and bad releases are deployed, by mode."""

import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.by_hand import AFTER_S, ByHand
from bench.deploys_report import GOOD, Deployed, render_deploys
from bench.ground import CHECKOUT
from bench.served import served
from bench.versions import machine
from bench.works import BY_HAND
from rehearsal.load import LIMIT_S, PER_S, Load, figures
from tests.server.conftest import fresh_stack
from tests.server.driver import Stack, Value
from tests.server.fronted import FRONT, behind_a_proxy
from tests.server.images import Image, Maker

PAGE = CHECKOUT / "docs" / "benchmarks-deploy.md"
PACE: dict[str, Value] = {"window": 3, "probes": 3, "timeout": 10}
AROUND_S = 1.0
MODES: dict[str, dict[str, Value]] = {
    "start first": FRONT,
    "stop first": {"candidate": "on"},
    "stop first, no candidate": {"candidate": "off"},
}
# What is deployed: the image's fault. The last two are no image's.
MISSING, STALE = "image missing", "old image under the right tag"
KINDS = {
    GOOD: "good",
    "crash loop": "crash",
    "unhealthy": "unhealthy",
    "never healthy": "slow-600",
    "wrong version": "version",
    MISSING: "",
    STALE: "",
}
# A server whose `up` makes, the first time, what lies there under the release's tag.
STALE_UP = """#!/bin/sh
case " $* " in
*" up --no-start "*) how="--no-start --no-recreate --no-deps --scale web=2" ;;
*" up --detach --no-deps --no-build --pull never web "*) how="--detach --no-deps" ;;
esac
[ -n "${{how:-}}" ] && mkdir {directory}/stale 2>/dev/null || exec /usr/bin/docker "$@"
IMAGE={image} exec /usr/bin/docker compose --project-name {project} \\
    --project-directory {directory} --file {file} up $how web
"""


@dataclass
class Images:
    """The images of the kinds, each made once."""

    maker: Maker
    made: dict[str, Image] = dataclasses.field(default_factory=dict)

    def get(self, mode: str) -> Image:
        if mode not in self.made:
            self.made[mode] = self.maker.make(f"20260123-1705{len(self.made):02}", mode)
        return self.made[mode]

    def missing(self) -> Image:
        """One that no registry has."""
        digest = f"sha256:{hashlib.sha256(os.urandom(8)).hexdigest()}"
        return dataclasses.replace(self.get("good"), tag="20260123-170599", digest=digest)


def measure(stack: Stack, kind: str, mode: str, old: Image, new: Image) -> Deployed:
    """Deploy `new` over the running `old` under load."""
    changes, at = {**PACE, **MODES[mode]}, stack
    if kind == STALE:
        # The old release answers with its own name, which would tell it apart at once.
        changes["version_path"] = ""
        at = stack.with_path(with_stale_image(stack, old, new))
    began = time.monotonic()
    with Load(stack.remote.server["SERVER_HOST"], stack.port, "/version") as load:
        time.sleep(AROUND_S)
        lines = timeline(at, at.start(new, **changes))
        time.sleep(AROUND_S)
    took_s = time.monotonic() - began - 2 * AROUND_S
    ended = lines[-1][2].split()
    allowed = {old.tag, new.tag} if ended[0] == "0" else {old.tag}
    others = [each for each in load.answers if each.is_good and named(each.body) not in allowed]
    detect_s, restore_s = spans(lines) if ended[0] != "0" else (None, None)
    seen = figures(load.answers)
    return Deployed(kind, mode, ended[1], seen, len(others), detect_s, restore_s, took_s)


def named(body: str) -> str:
    return str(json.loads(body)["tag"])


def timeline(stack: Stack, run: str) -> list[tuple[float, str, str]]:
    """The run's lines, each with when it was seen: a third of a second late at most."""
    found = []
    with subprocess.Popen(stack.following(run), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        for line in following.stdout:
            _, kind, text = f"{line.rstrip()}  ".split(" ", 2)
            found.append((time.monotonic(), kind, text.strip()))
    return found


def spans(lines: list[tuple[float, str, str]]) -> tuple[float, float]:
    """Seconds to the verdict, and from there until the old release was proven."""
    verdict = next((at for at, kind, _ in lines if kind in ("failed", "seen")), lines[-1][0])
    steps = ("pulling", "candidate", "switching")
    began = [at for at, kind, text in lines if kind == "state" and text in steps and at <= verdict]
    kept = any(kind == "now" and "never stopped" in text for _, kind, text in lines)
    return verdict - began[-1], 0.0 if kept else lines[-1][0] - verdict


def with_stale_image(stack: Stack, old: Image, new: Image) -> str:
    """A PATH on which compose brings up the old image, which lies there under the new one's tag."""
    tagged = f"{new.repository}:{new.tag}"
    stack.observe("tag", old.reference, tagged)
    file = f"{stack.directory}/stale.yaml"
    text = STALE_UP.format(
        directory=stack.directory, image=tagged, project=stack.project, file=file
    )
    stack.remote.upload(file, stack.compose.encode())
    stack.remote.upload(f"{stack.directory}/bin/docker", text.encode())
    stack.remote.allowed(f"chmod +x {stack.directory}/bin/docker; rm -rf {stack.directory}/stale")
    return f"{stack.directory}/bin:$PATH"


class Round:
    """Each mode's stack, the good image that runs on it, and its turn."""

    def __init__(self, stacks: dict[str, Stack], by_hand: ByHand, images: Images) -> None:
        self.stacks, self.by_hand, self.images = stacks, by_hand, images
        self.running = dict.fromkeys([*stacks, BY_HAND], "second")

    def begin(self) -> None:
        for mode, stack in self.stacks.items():
            done = stack.deploy(self.images.get("second"), **PACE, **MODES[mode])
            assert done.exit_code == 0, done.text
        self.by_hand.settle(self.images.get("second"))

    def measure(self, kind: str, mode: str) -> Deployed:
        old = self.images.get(self.running[mode])
        other = "good" if self.running[mode] == "second" else "second"
        fault = {"good": other, "": other}.get(KINDS[kind], KINDS[kind])
        new = self.images.missing() if kind == MISSING else self.images.get(fault)
        if mode == BY_HAND:
            found = self.by_hand.measure(kind, old, new, is_stale=kind == STALE)
        else:
            found = measure(self.stacks[mode], kind, mode, old, new)
        if kind == GOOD:
            self.running[mode] = other
        return found


@contextlib.contextmanager
def ready(folder: Path) -> Iterator[Round]:
    """A stack for each mode on the rehearsal server, and the registry's images."""
    place = served(folder)
    fresh = contextlib.contextmanager(fresh_stack)
    with contextlib.ExitStack() as all_of_them:
        plain = [
            all_of_them.enter_context(fresh(place.server, place.credentials, "dash"))
            for _ in range(4)
        ]
        stacks = dict(zip(MODES, plain, strict=False))
        stacks["start first"] = behind_a_proxy(stacks["start first"])
        yield Round(stacks, ByHand(plain[3], BY_HAND), Images(place.maker))


def main(words: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench deploy", description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--output", type=Path, default=PAGE)
    given = parser.parse_args(words)
    about = {"per_s": PER_S, "limit_s": LIMIT_S, "machine": machine(), **PACE}
    about |= {"by_hand": BY_HAND, "after_s": AFTER_S}
    found: list[Deployed] = []
    with tempfile.TemporaryDirectory(prefix="ci-bench-") as folder, ready(Path(folder)) as turns:
        turns.begin()
        for number in range(given.times):
            for kind in given.only:
                for mode in (*MODES, BY_HAND):
                    found.append(turns.measure(kind, mode))
                    print(f"{number}: {found[-1]}", flush=True)
            order = list(KINDS)
            found.sort(key=lambda each: order.index(each.kind))
            given.output.write_text(render_deploys(found, about))
    print(f"written: {given.output}", file=sys.stderr)
