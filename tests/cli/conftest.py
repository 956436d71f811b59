"""Workspaces with the tests' module, and the engines that run its command lines."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.engines import ENGINES, Outcome, make_workspace


@pytest.fixture(scope="session")
def plain_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module without a `.env` file; the tests leave it as it is."""
    return make_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def environ(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a call: Docker, and one store for all tests."""
    state = tmp_path_factory.getbasetemp() / "engine"
    return {**os.environ, "CI_EMBEDDED_STATE": str(state)}


@pytest.fixture
def run(environ: dict[str, str], plain_workspace: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Run a command line in the module's directory."""

    def run(line: str, *, engine: str = "embedded", dotenv: str = "", **more: str) -> Outcome:
        module = make_workspace(tmp_path / "own", dotenv) if dotenv else plain_workspace
        return ENGINES[engine](line, module, {**environ, **more})

    return run
