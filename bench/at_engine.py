"""What the embedded engine and the module themselves cost."""

import shutil
import sys
from pathlib import Path

from dagger import dag

from bench.contender import Contender, Do, nothing
from bench.ground import BASE, CHECKOUT, Ground

EMPTY = Path(__file__).parent / "empty"
# So many are done for one measurement: each is over in a few milliseconds.
REPEATED = 20


def at_engine(ground: Ground) -> list[Contender]:
    """Everybody, in turns."""
    return [*_engine(ground), *_imports(ground), *_calls(ground)]


def _calls(ground: Ground) -> list[Contender]:
    """A whole call, on a real Dagger where there is one."""
    if not shutil.which("dagger"):
        return []

    empty = str(shutil.copytree(EMPTY, ground.folder / "empty"))
    ground.run("git", "init", "-q", empty)

    def calling(module: str, function: str) -> Do:
        async def do() -> None:
            ground.run("dagger", "--progress=plain", "call", "-m", module, function)

        return do

    nobodys, ours = calling(empty, "nothing"), calling(str(CHECKOUT), "tag")
    return [
        Contender("i", "dagger call, of an empty module", 0, nobodys, nobodys),
        Contender("i", "dagger call tag, of this one", 0, ours, ours),
    ]


def _engine(ground: Ground) -> list[Contender]:
    base = [BASE, "true"]

    async def connect() -> float:
        return float(ground.output(sys.executable, "-m", "bench.connect"))

    async def cached() -> None:
        for _ in range(REPEATED):
            await dag.container().from_(BASE).with_exec(["true"]).sync()

    async def cold() -> None:
        fresh = dag.container().from_(BASE).with_env_variable("FRESH", ground.tag())
        await fresh.with_exec(["true"]).sync()

    async def docker() -> None:
        ground.run("docker", "run", "--rm", *base)

    return [
        Contender("j connect", "embedded engine", 0, nothing, connect),
        Contender("j cached", "embedded engine", 0, cached, cached, REPEATED),
        Contender("j cold", "embedded engine", 0, cached, cold),
        Contender("j cold", "docker run", 0, nothing, docker),
    ]


def _imports(ground: Ground) -> list[Contender]:
    def importing(first: str, then: str) -> Do:
        clock = "import time; begun = time.perf_counter()"
        code = f"{first}; {clock}; {then}; print(time.perf_counter() - begun)"

        async def do() -> float:
            return float(ground.output(sys.executable, "-c", code))

        return do

    client = importing("pass", "import dagger")
    ours = importing("import dagger", "import ci.main")
    return [
        Contender("i", "import the module, dagger being there", 0, ours, ours),
        Contender("i", "import dagger", 0, client, client),
    ]
