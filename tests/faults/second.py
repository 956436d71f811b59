"""A registry of another make: Google's, in memory, without accounts."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from ci.adapters.clock import SystemClock
from ci.adapters.registry import open_registry
from ci.ports import Registry
from tests.contract.kits import Quiet, RealKit
from tests.go_programs import build_program

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PROGRAM = CHECKOUT / ".local" / "bin" / "second-registry"


@contextmanager
def second_registry() -> Iterator[str]:
    """Run it; gives ``host:port``. It is built first, where Go is there or must be."""
    build_program(CHECKOUT / "tests" / "faults" / "second_registry", PROGRAM)
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"localhost:{int(process.stdout.readline())}"
        finally:
            process.kill()


@dataclass
class OpenKit(RealKit):
    """A repository of its own in a registry that asks nobody who they are."""

    @asynccontextmanager
    async def open(self, *, may_push: bool = True) -> AsyncIterator[Registry]:
        async with open_registry(
            self.repository, None, clock=SystemClock(), progress=Quiet(), can_push=may_push
        ) as registry:
            yield registry

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        base = f"http://{self.repository.registry}/v2/{self.repository.path}/"
        async with httpx.AsyncClient(
            base_url=base, trust_env=False, verify=False, timeout=60
        ) as client:
            yield client
