"""`python -m bench`: measure everybody in turns and write docs/benchmarks.md.

`python -m bench deploy` measures what a deploy costs those who ask meanwhile.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
import dagger

from bench.ground import CHECKOUT, Ground, ground
from bench.report import Sample, render
from bench.works import WORKS, Contender, contenders, versions
from ci.embedded.server import session

DELAYS_MS = (0, 50)
PAGE = CHECKOUT / "docs" / "benchmarks.md"


async def measure(place: Ground, each: Contender) -> Sample:
    """Let one do its work once."""
    await each.ready()
    place.wires[each.delay_ms].take()
    begun = time.perf_counter()
    await each.do()
    seconds = time.perf_counter() - begun
    seen = place.wires[each.delay_ms].take()
    return Sample(each.work, each.who, each.delay_ms, seconds, seen if seen.requests else None)


async def measure_all(place: Ground, given: argparse.Namespace, on: str) -> None:
    """Everybody in turns, round after round; the page is written after each.

    One round in front does not count: what is cached is cached then.
    """
    found: list[Sample] = []
    told = versions(place)
    async with dagger.connection(dagger.Config(log_output=None)):
        everybody = [each for each in contenders(place, DELAYS_MS) if each.work in given.only]
        for number in range(given.times + 1):
            for each in everybody:
                sample = await measure(place, each)
                print(
                    f"{number}: {each.work}, {each.delay_ms} ms, {each.who}: {sample.seconds:.3f}"
                )
                if number:
                    found.append(sample)
            if found:
                given.output.write_text(render(WORKS, found, told, on))


def machine() -> str:
    """What it was measured on, and how busy that was."""
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} when it began"


def main() -> None:
    """Measure and write."""
    if sys.argv[1:2] == ["deploy"]:
        # It needs the rehearsal's server, and nobody else does.
        from bench.deploys import main as measure_deploys

        measure_deploys(sys.argv[2:])
        return
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("--times", type=int, default=5)
    everything = [work.key for work in WORKS]
    words.add_argument("--only", nargs="*", default=everything, choices=everything)
    words.add_argument("--output", type=Path, default=PAGE)
    given = words.parse_args()
    program = CHECKOUT / ".local" / "bin" / "crane"
    build = ["sh", "rehearsal/go-program.sh", "bench/crane", str(program)]
    subprocess.run(build, cwd=CHECKOUT, check=True)
    on = machine()
    with (
        tempfile.TemporaryDirectory(prefix="ci-bench-") as folder,
        ground(Path(folder), DELAYS_MS) as place,
        session(place.environ),
    ):
        anyio.run(measure_all, place, given, on)
    print(f"written: {given.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
