"""Files and directories in a container: written, read, mounted."""

from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, published, pulled, sh, tree
from tests.engine.suite import mentions


async def new_file_with_mode_and_owner(at: At) -> object:
    made = base(at).with_new_file("/d/x.txt", "hello", permissions=0o600, owner="nobody")
    return await made.with_exec(
        sh("cat /d/x.txt; stat -c ' %a %U' /d/x.txt; stat -c '%a %U' /d")
    ).stdout()


async def new_file_with_a_name_in_unicode(at: At) -> object:
    return await base(at).with_new_file("/é ü.txt", "ß").with_exec(sh("cat '/é ü.txt'")).stdout()


async def with_directory_and_owner(at: At) -> object:
    made = base(at).with_directory(
        "/dst", tree({"a.txt": "A", "sub/b.txt": "B"}), owner="1000:1001"
    )
    return await made.with_exec(sh("find /dst | sort | xargs stat -c '%n %a %u:%g %F'")).stdout()


async def with_directory_filtered(at: At) -> object:
    files = tree({"a.txt": "A", "sub/b.txt": "B", "c.py": ""})
    made = base(at).with_directory("/dst", files, include=["**/*.txt"], exclude=["sub"])
    return await made.directory("/dst").entries()


async def with_directory_adds_to_what_is_there(at: At) -> object:
    made = base(at).with_new_file("/dst/old", "1").with_directory("/dst", tree({"new": "2"}))
    return await made.directory("/dst").entries()


async def with_directory_relative_to_the_workdir(at: At) -> object:
    made = base(at).with_workdir("/w").with_directory("src", tree({"a": "1"}))
    return await made.with_exec(sh("cat /w/src/a")).stdout()


async def with_file_and_mode(at: At) -> object:
    made = base(at).with_file("/x/y", tree({"a.txt": "A"}).file("a.txt"), permissions=0o755)
    return await made.with_exec(sh("stat -c '%a %n' /x/y; cat /x/y")).stdout()


async def with_file_into_a_directory(at: At) -> object:
    return (
        await base(at)
        .with_file("/x/", tree({"a.txt": "A"}).file("a.txt"))
        .directory("/x")
        .entries()
    )


async def entries_after_exec(at: At) -> object:
    made = base(at).with_exec(sh("mkdir -p /o/s; echo 1 > /o/f; ln -s f /o/l; echo 2 > /o/s/g"))
    return await made.directory("/o").entries()


async def contents_after_exec(at: At) -> object:
    return await base(at).with_exec(sh("echo data > /o")).file("/o").contents()


async def contents_through_a_symlink(at: At) -> object:
    return await base(at).with_exec(sh("echo data > /o; ln -s /o /l")).file("/l").contents()


async def contents_of_a_deleted_file(at: At) -> object:
    made = base(at).with_exec(sh("mkdir /q; echo 1 > /q/a; echo 2 > /q/b")).with_exec(sh("rm /q/a"))
    return await made.directory("/q").entries()


async def size_and_name_of_a_file(at: At) -> object:
    found = base(at).with_exec(sh("echo data > /o.bin")).file("/o.bin")
    return [await found.size(), await found.name()]


@mentions("/nope")
async def file_missing(at: At) -> object:
    return await base(at).file("/nope").contents()


@mentions("/nope")
async def directory_missing(at: At) -> object:
    return await base(at).directory("/nope").entries()


@mentions("/etc/passwd", "not a directory")
async def directory_is_a_file(at: At) -> object:
    return await base(at).directory("/etc/passwd").entries()


async def rootfs_of_an_empty_container(at: At) -> object:
    return await dag.container().with_new_file("/a", "1").rootfs().entries()


async def mounted_directory(at: At) -> object:
    given = tree({"a": "1"})
    made = base(at).with_mounted_directory("/m", given).with_exec(sh("ls /m; echo 2 > /m/b"))
    again = made.with_exec(sh("ls /m; cat /m/b"))
    return [
        await made.stdout(),
        await again.stdout(),
        await made.directory("/m").entries(),
        await given.entries(),
    ]


async def mounted_directory_in_two_branches(at: At) -> object:
    made = base(at).with_mounted_directory("/m", dag.directory()).with_exec(sh("echo 1 > /m/a"))
    left, right = made.with_exec(sh("echo 2 > /m/b; ls /m")), made.with_exec(sh("ls /m"))
    return [await left.stdout(), await right.stdout()]


async def mounted_directory_is_not_published(at: At) -> object:
    made = base(at).with_mounted_directory("/m", tree({"a": "1"})).with_exec(["true"])
    found = pulled(at, await published(at, made, "mount:1"))
    return await found.with_exec(sh("ls -A /m 2>/dev/null | wc -l")).stdout()


async def mounted_cache_outlives_its_step(at: At) -> object:
    volume = dag.cache_volume(f"cache-{at.salt}")
    await base(at).with_mounted_cache("/c", volume).with_exec(sh("echo one > /c/x")).sync()
    return (
        await base(at)
        .with_mounted_cache("/c", volume)
        .with_exec(sh("cat /c/x; true second"))
        .stdout()
    )


@mentions("/c")
async def mounted_cache_is_not_read_from_outside(at: At) -> object:
    made = base(at).with_mounted_cache("/c", dag.cache_volume(f"cache-{at.salt}"))
    return await made.file("/c/x").contents()
