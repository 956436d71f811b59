"""Host: directories and files of the machine that the client runs on."""

from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, sh, written
from tests.engine.suite import mentions

FILES = {
    "README.md": "# readme\n",
    ".env": "A=1\n",
    ".hidden/h": "h",
    "Dockerfile": "FROM scratch\n",
    "src/app.py": "print('app')\n",
    "src/a.txt": "a",
    "src/pkg/m.py": "",
    "node_modules/x/index.js": "",
}


async def host_entries(at: At) -> object:
    return await dag.host().directory(_context(at)).entries()


async def host_include(at: At) -> object:
    return await dag.host().directory(_context(at), include=["src/*.py", "*.md"]).glob("**")


async def host_include_one_star(at: At) -> object:
    return await dag.host().directory(_context(at), include=["*.py"]).glob("**")


async def host_include_two_stars(at: At) -> object:
    return await dag.host().directory(_context(at), include=["**/*.py"]).glob("**")


async def host_exclude_with_an_exception(at: At) -> object:
    patterns = ["node_modules", "**/*.txt", "!src/a.txt", ".*"]
    return await dag.host().directory(_context(at), exclude=patterns).glob("**")


async def host_exclude_of_a_directory(at: At) -> object:
    return await dag.host().directory(_context(at), exclude=["src/"]).entries()


@mentions("nope")
async def host_directory_missing(at: At) -> object:
    return await dag.host().directory(str(at.scratch / "nope")).entries()


async def host_file(at: At) -> object:
    found = dag.host().file(f"{_context(at)}/README.md")
    return [await found.contents(), await found.name()]


async def host_file_by_its_address(at: At) -> object:
    return await dag.address(f"{_context(at)}/README.md").file().contents()


async def host_directory_by_its_address(at: At) -> object:
    return await dag.address(_context(at)).directory(exclude=[".*", "node_modules"]).entries()


async def host_modes_and_owners(at: At) -> object:
    made = base(at).with_directory("/c", dag.host().directory(_context(at)))
    return await made.with_exec(
        sh("stat -c '%n %a %u:%g' /c/src /c/src/app.py; readlink /c/link.py")
    ).stdout()


async def host_directory_is_read_once_a_session(at: At) -> object:
    """A file changed after it was read is seen by the next reading of another filter."""
    root = written(at.scratch / "changing", {"a": "1"})
    first = await dag.host().directory(str(root)).file("a").contents()
    (root / "a").write_text("2")
    return [first, await dag.host().directory(str(root), exclude=["zzz"]).file("a").contents()]


async def host_equal_trees_have_equal_digests(at: At) -> object:
    one, two = (written(at.scratch / name, {"a": "1", "b/c": "2"}) for name in ("same1", "same2"))
    return (
        await dag.host().directory(str(one)).digest()
        == await dag.host().directory(str(two)).digest()
    )


def _context(at: At) -> str:
    root = written(at.scratch / "context", FILES)
    link = root / "link.py"
    if not link.is_symlink():
        link.symlink_to("src/app.py")
    return str(root)
