"""`python -m bench`: measure everybody in turns and write docs/benchmarks.md.

`python -m bench deploy` measures what a deploy costs those who ask meanwhile, and `python -m bench
scale` what is large.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio
import dagger

from bench.at_engine import at_engine
from bench.at_registry import at_registry
from bench.at_server import at_server
from bench.contender import Contender
from bench.deploys import main as measure_deploys
from bench.ground import CHECKOUT, Ground, ground
from bench.report import Sample, render
from bench.scale import main as measure_scale
from bench.versions import machine, versions
from bench.works import WORKS
from ci.embedded.server import session

DELAYS_MS = (0, 50)
OTHERS = {"deploy": measure_deploys, "scale": measure_scale}
PAGE = CHECKOUT / "docs" / "benchmarks.md"


async def measure(place: Ground, each: Contender) -> Sample:
    """Let one do its work once."""
    await each.ready()
    wire = each.wire() if each.wire else place.wires[each.delay_ms]
    wire.take()
    # What others left behind is not this one's to clear away, nor to look through for garbage.
    gc.collect()
    gc.freeze()
    begun = time.perf_counter()
    said = await each.do()
    seconds = (time.perf_counter() - begun if said is None else said) / each.share
    seen = wire.take(each.share)
    return Sample(each.work, each.who, each.delay_ms, seconds, seen if seen.requests else None)


async def measure_all(place: Ground, given: argparse.Namespace, on: str) -> None:
    """Everybody in turns, round after round; the page is written after each.

    One round in front does not count: what is cached is cached then.
    """
    found: list[Sample] = []
    told = versions(place)
    async with dagger.connection(dagger.Config(log_output=None)):
        all_of_them = [*at_registry(place, DELAYS_MS), *at_engine(place), *at_server(place)]
        everybody = [each for each in all_of_them if each.work in given.only]
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


def main(words: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    everything = [work.key for work in WORKS]
    parser.add_argument("--only", nargs="*", default=everything, choices=everything)
    parser.add_argument("--output", type=Path, default=PAGE)
    given = parser.parse_args(words)
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
    measured = OTHERS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if measured:
        measured(sys.argv[2:])
    else:
        main(sys.argv[1:])
