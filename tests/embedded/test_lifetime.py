"""Nothing that a session starts outlives it, however it ends."""

import signal
import textwrap
import time
from pathlib import Path

import anyio
import dagger
import pytest
from dagger import dag

from tests.embedded.observer import BASE, Docker, OpenSession, StartClient

# A service, a command under way and a secret in memory, all at once.
BUSY = textwrap.dedent(f"""
    import anyio, dagger
    from dagger import dag
    from ci.embedded.server import session

    async def main():
        async with dagger.connection(dagger.Config(log_output=None)):
            base = dag.container().from_({BASE!r})
            server = ["python3", "-m", "http.server", "8000"]
            service = base.with_exposed_port(8000).as_service(args=server)
            await service.start()
            secret = dag.set_secret("token", "kept in memory only")
            step = base.with_secret_variable("TOKEN", secret).with_service_binding("web", service)
            print("ready", flush=True)
            await step.with_exec(["sleep", "600"]).sync()

    with session():
        anyio.run(main)
""")


def wait_for(condition, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


def private_folders(session: str) -> list[Path]:
    return list(Path("/dev/shm").glob(f"ci-embedded-*-{session}"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
async def test_the_next_start_removes_what_a_killed_session_left(
    how: signal.Signals,
    start_client: StartClient,
    open_session: OpenSession,
    docker: Docker,
    state: Path,
) -> None:
    process = start_client(BUSY)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: sum(c["State"] == "running" for c in docker.containers(state)) == 2)
    process.send_signal(how)
    process.wait()
    left = docker.containers(state)
    assert left, "the kill came too late to prove anything"
    dead = left[0]["Labels"]["ci.embedded.session"]
    assert private_folders(dead) != [] or how != signal.SIGKILL

    with open_session():
        async with dagger.connection(dagger.Config(log_output=None)):
            await dag.container().from_(BASE).with_exec(["true"]).sync()
            running = [c for c in docker.containers(state) if c["State"] == "running"]
            assert not running
    assert docker.containers(state) == []
    assert private_folders(dead) == []


async def test_a_session_that_is_alive_is_left_alone_by_another(
    start_client: StartClient, open_session: OpenSession, docker: Docker, state: Path
) -> None:
    process = start_client(BUSY)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: sum(c["State"] == "running" for c in docker.containers(state)) == 2)

    with open_session():
        async with dagger.connection(dagger.Config(log_output=None)):
            await dag.container().from_(BASE).with_exec(["true"]).sync()

    assert process.poll() is None
    assert sum(c["State"] == "running" for c in docker.containers(state)) == 2


async def test_a_command_that_was_interrupted_is_stopped_with_its_session(
    open_session: OpenSession, docker: Docker, state: Path
) -> None:
    with open_session():
        async with (
            dagger.connection(dagger.Config(log_output=None)),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(dag.container().from_(BASE).with_exec(["sleep", "600"]).sync)
            await anyio.to_thread.run_sync(wait_for, lambda: docker.containers(state))
            tasks.cancel_scope.cancel()
    assert docker.containers(state) == []
