"""What the embedded engine and the module themselves cost."""

import sys

import dagger
from dagger import dag

from bench.contender import Contender, Do, nothing
from bench.ground import BASE, CHECKOUT, Ground
from ci.embedded.server import session


def at_engine(ground: Ground) -> list[Contender]:
    """Everybody, in turns."""
    return [*_engine(ground), *_imports(ground)]


def _engine(ground: Ground) -> list[Contender]:
    base = [BASE, "true"]

    async def connect() -> None:
        with session({**ground.environ, "CI_EMBEDDED_STATE": str(ground.folder / "state")}):
            async with dagger.Connection() as client:
                await client.version()

    async def cached() -> None:
        await dag.container().from_(BASE).with_exec(["true"]).sync()

    async def cold() -> None:
        fresh = dag.container().from_(BASE).with_env_variable("FRESH", ground.tag())
        await fresh.with_exec(["true"]).sync()

    async def docker() -> None:
        ground.run("docker", "run", "--rm", *base)

    return [
        Contender("j connect", "embedded engine", 0, nothing, connect),
        Contender("j cached", "embedded engine", 0, cached, cached),
        Contender("j cold", "embedded engine", 0, cached, cold),
        Contender("j cold", "docker run", 0, nothing, docker),
    ]


def _imports(ground: Ground) -> list[Contender]:
    def importing(names: str) -> Do:
        async def do() -> None:
            ground.run(
                sys.executable,
                "-c",
                f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import {names}",
            )

        return do

    ours, client = importing("dagger, ci.main"), importing("dagger")
    return [
        Contender("i", "import dagger and the module", 0, ours, ours),
        Contender("i", "import dagger", 0, client, client),
    ]
