"""Container: steps, their output, their errors, and what is set on an image."""

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, fresh, sh
from tests.engine.suite import mentions

# Out of order only where the engine mixes them up: the pause keeps them apart.
BOTH_STREAMS = "echo out; sleep 0.2; echo err >&2"


async def exec_stdout(at: At) -> object:
    return await base(at).with_exec(sh(BOTH_STREAMS)).stdout()


async def exec_stderr(at: At) -> object:
    return await base(at).with_exec(sh(BOTH_STREAMS)).stderr()


async def exec_combined(at: At) -> object:
    return await base(at).with_exec(sh(BOTH_STREAMS)).combined_output()


async def exec_exit_any(at: At) -> object:
    step = base(at).with_exec(sh("echo x; exit 3"), expect=dagger.ReturnType.ANY)
    return [await step.exit_code(), await step.stdout()]


async def exec_exit_failure(at: At) -> object:
    return await base(at).with_exec(sh("exit 4"), expect=dagger.ReturnType.FAILURE).exit_code()


async def exec_success_where_failure_is_expected(at: At) -> object:
    return await base(at).with_exec(sh("exit 0"), expect=dagger.ReturnType.FAILURE).exit_code()


@mentions("exit code: 5")
async def exec_error(at: At) -> object:
    return await base(at).with_exec(sh("echo out; echo err >&2; exit 5")).stdout()


@mentions("exit code: 5")
async def exec_error_of_sync(at: At) -> object:
    return await base(at).with_exec(sh("exit 5")).sync()


@mentions("exit code: 5")
async def exec_error_of_file(at: At) -> object:
    return await base(at).with_exec(sh("exit 5")).file("/etc/passwd").contents()


@mentions("exit code: 6")
async def exec_error_in_the_middle_of_a_chain(at: At) -> object:
    return await base(at).with_exec(sh("exit 6")).with_exec(sh("echo never")).stdout()


async def exec_program_not_found(at: At) -> object:
    return await base(at).with_exec(["nonexist"]).stdout()


async def exec_stdin(at: At) -> object:
    return await base(at).with_exec(["cat"], stdin="hello\nworld").stdout()


async def exec_redirect_stdout_and_stderr(at: At) -> object:
    made = base(at).with_workdir("/w").with_exec(["true"])
    step = made.with_exec(
        sh("echo o; echo e >&2"), redirect_stdout="out.txt", redirect_stderr="/err.txt"
    )
    return await step.with_exec(sh("cat /w/out.txt /err.txt")).stdout()


async def exec_redirect_keeps_the_value(at: At) -> object:
    return await base(at).with_exec(sh("echo o"), redirect_stdout="/o").stdout()


async def exec_redirect_stdin(at: At) -> object:
    return (
        await base(at).with_new_file("/in", "abc").with_exec(["cat"], redirect_stdin="/in").stdout()
    )


async def exec_expand(at: At) -> object:
    step = base(at).with_env_variable("A", "b").with_exec(["echo", "$A", "${A}c"], expand=True)
    return await step.stdout()


async def exec_does_not_expand_by_itself(at: At) -> object:
    return await base(at).with_env_variable("A", "b").with_exec(["echo", "$A"]).stdout()


async def exec_with_entrypoint(at: At) -> object:
    return (
        await base(at).with_entrypoint(["echo", "E"]).with_exec(["x"], use_entrypoint=True).stdout()
    )


async def exec_ignores_entrypoint_by_itself(at: At) -> object:
    return await base(at).with_entrypoint(["echo", "E"]).with_exec(["echo", "x"]).stdout()


async def exec_of_default_args(at: At) -> object:
    return await base(at).with_default_args(["echo", "D"]).with_exec([]).stdout()


@mentions("no command")
async def stdout_without_exec(at: At) -> object:
    return await base(at).stdout()


async def exec_bytes_that_are_not_utf8(at: At) -> object:
    return await base(at).with_exec(sh(r"printf '\303\251\377x'")).stdout()


async def exec_three_megabytes_of_output(at: At) -> object:
    return len(await base(at).with_exec(sh("head -c 3000000 /dev/zero | tr '\\0' a")).stdout())


async def exec_user_and_workdir(at: At) -> object:
    step = (
        base(at)
        .with_workdir("/new/dir")
        .with_user("nobody")
        .with_exec(sh("pwd; id -un; stat -c %U ."))
    )
    return await step.stdout()


async def exec_chain_keeps_what_was_written(at: At) -> object:
    one = base(at).with_exec(sh("mkdir /z; echo 1 > /z/a")).with_new_file("/z/b", "2")
    return await one.with_exec(sh("cat /z/a /z/b")).stdout()


async def exec_branches_do_not_see_each_other(at: At) -> object:
    one = base(at).with_exec(sh("echo 1 > /a"))
    left, right = (
        one.with_exec(sh("echo 2 > /b; ls /a /b")),
        one.with_exec(sh("ls /a /b 2>&1 | wc -l")),
    )
    return [await left.stdout(), await right.stdout()]


async def environment_variables(at: At) -> object:
    made = base(at).with_env_variable("A", "1").with_env_variable("B", "${A}2", expand=True)
    names = {
        await variable.name(): await variable.value() for variable in await made.env_variables()
    }
    shown = made.without_env_variable("A").with_exec(sh("echo [$A][$B]"))
    return [
        await made.env_variable("B"),
        await made.env_variable("C"),
        names["A"],
        await shown.stdout(),
    ]


async def workdir_joins(at: At) -> object:
    return await base(at).with_workdir("/a").with_workdir("b").workdir()


async def user_is_kept(at: At) -> object:
    return await base(at).with_user("nobody").user()


async def labels(at: At) -> object:
    made = base(at).with_label("a", "1").with_label("b", "2").without_label("a")
    names = [await label.name() for label in await made.labels()]
    return [await made.label("a"), await made.label("b"), "a" in names, "b" in names]


async def entrypoint_and_default_args(at: At) -> object:
    made = base(at).with_default_args(["d"]).with_entrypoint(["e"])
    return [
        await made.entrypoint(),
        await made.default_args(),
        await made.with_default_args(["x", "y"]).default_args(),
        await made.with_default_args(["x"])
        .with_entrypoint(["f"], keep_default_args=True)
        .default_args(),
    ]


async def exposed_ports(at: At) -> object:
    made = (
        base(at)
        .with_exposed_port(80)
        .with_exposed_port(53, protocol=dagger.NetworkProtocol.UDP, description="dns")
    )
    found = [
        (await port.port(), (await port.protocol()).value, await port.description())
        for port in await made.exposed_ports()
    ]
    # The real engine's order changes from run to run.
    return sorted(found)


async def platform_of_an_image(at: At) -> object:
    return str(await base(at).platform()).split("/")[0]


async def platform_asked_for(at: At) -> object:
    made = dag.container(platform=dagger.Platform("linux/arm64")).from_(at.base)
    return await made.platform()


async def image_reference_has_the_digest(at: At) -> object:
    return await base(at).image_ref()


@mentions("no-such-tag")
async def from_missing_tag(at: At) -> object:
    return await dag.container().from_(f"{at.mirror}/library/python:no-such-tag").sync()


@mentions("Not A Ref!")
async def from_bad_reference(at: At) -> object:
    return await dag.container().from_("Not A Ref!").sync()


async def sync_gives_a_container(at: At) -> object:
    made = await base(at).with_exec(sh("echo 1 > /s")).sync()
    return await made.file("/s").contents()


async def load_container_from_id(at: At) -> object:
    made = await base(at).with_exec(sh("echo lid")).id()
    return await dag.load_container_from_id(dagger.ContainerID(made)).stdout()


async def ten_steps(at: At) -> object:
    made = base(at)
    for number in range(10):
        made = made.with_exec(sh(f"echo {number} > /l{number}"))
    return await made.with_exec(sh("ls / | grep -c '^l[0-9]'")).stdout()


async def lazy_step_is_not_run(at: At) -> object:
    volume = dag.cache_volume(f"lazy-{at.salt}")
    await base(at).with_mounted_cache("/c", volume).with_exec(sh("echo x >> /c/n")).id()
    read = fresh(at).with_mounted_cache("/c", volume).with_exec(sh("cat /c/n 2>/dev/null | wc -l"))
    return await read.stdout()


async def hostname_resolves(at: At) -> object:
    return (
        await base(at)
        .with_exec(sh("python3 -c 'import socket; socket.gethostbyname(\"localhost\")'"))
        .stdout()
    )
