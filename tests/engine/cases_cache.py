"""What runs again and what does not."""

import anyio
import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, fresh, sh, tree


async def equal_steps_run_once(at: At) -> object:
    answers = [await fresh(at).with_exec(sh("date +%N")).stdout() for _ in range(2)]
    return answers[0] == answers[1]


async def equal_steps_at_one_time_run_once(at: At) -> object:
    answers: set[str] = set()

    async def run() -> None:
        answers.add(await fresh(at).with_exec(sh("sleep 0.3; date +%N; : parallel")).stdout())

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(run)
    return len(answers)


async def changed_file_runs_again(at: At) -> object:
    answers = []
    for text in ("1", "2"):
        step = (
            fresh(at).with_directory("/i", tree({"f": text})).with_exec(sh("date +%N; : changed"))
        )
        answers.append(await step.stdout())
    return answers[0] == answers[1]


async def equal_files_of_two_steps_run_once(at: At) -> object:
    """An output made again, byte for byte, need not make what is built on it again."""
    answers = []
    for number in ("1", "2"):
        made = fresh(at).with_exec(sh(f"mkdir /o; echo same > /o/f; : {number}")).directory("/o")
        step = base(at).with_directory("/i", made).with_exec(sh("date +%N; : rebuilt"))
        answers.append(await step.stdout())
    return answers[0] == answers[1]


async def failed_step_runs_again(at: At) -> object:
    volume = dag.cache_volume(f"failed-{at.salt}")
    for _ in range(2):
        try:
            await (
                base(at)
                .with_mounted_cache("/c", volume)
                .with_exec(sh("echo x >> /c/n; exit 1"))
                .sync()
            )
        except dagger.ExecError:
            continue
    return (
        await fresh(at)
        .with_mounted_cache("/c", volume)
        .with_exec(sh("wc -l < /c/n; : failed"))
        .stdout()
    )


async def failure_that_is_expected_runs_once(at: At) -> object:
    volume = dag.cache_volume(f"any-{at.salt}")
    for _ in range(2):
        step = base(at).with_mounted_cache("/c", volume)
        await step.with_exec(sh("echo x >> /c/n; exit 1"), expect=dagger.ReturnType.ANY).sync()
    return (
        await fresh(at)
        .with_mounted_cache("/c", volume)
        .with_exec(sh("wc -l < /c/n; : any"))
        .stdout()
    )
