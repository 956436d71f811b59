"""Directory and File: composed, filtered, read, exported, told apart by digest."""

from pathlib import Path

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, sh, tree
from tests.engine.suite import mentions


async def directory_composed(at: At) -> object:
    made = tree({"a": "1"}).with_new_directory("e").with_directory("m", tree({"x": "y"}))
    return [
        await made.entries(),
        await made.without_directory("m").entries(),
        await made.without_file("a").entries(),
        await made.directory("m").entries(),
        await made.entries(path="m"),
        await made.file("m/x").contents(),
    ]


async def directory_with_a_file_of_another(at: At) -> object:
    made = tree({"a": "1"}).with_file("b/c", tree({"x": "2"}).file("x"))
    return [await made.entries(), await made.file("b/c").contents()]


async def directory_of_a_filtered_other(at: At) -> object:
    other = tree({"keep.py": "1", "drop.txt": "2", "sub/keep.py": "3"})
    return await dag.directory().with_directory("/", other, include=["**/*.py"]).glob("**")


async def directory_filtered(at: At) -> object:
    made = tree({"a.py": "", "b.txt": "", "sub/c.py": ""})
    return await made.filter(exclude=["*.txt"], include=["**/*.py", "*.txt"]).glob("**")


async def directory_globbed(at: At) -> object:
    made = tree({"a.py": "", "b.txt": "", "sub/c.py": "", "sub/deep/d.py": ""})
    return [
        sorted(await made.glob("**/*.py")),
        sorted(await made.glob("*.py")),
        sorted(await made.glob("sub/*")),
    ]


async def directory_exists(at: At) -> object:
    made = tree({"a": "1", "s/b": "2"})
    return [await made.exists("a"), await made.exists("s"), await made.exists("zz")]


async def directory_name(at: At) -> object:
    return await tree({"s/b": "2"}).directory("s").name()


@mentions("nope")
async def directory_lacks_the_file(at: At) -> object:
    return await tree({"a": "1"}).file("nope").contents()


async def directories_of_equal_contents_have_equal_digests(at: At) -> object:
    one, same, other = tree({"a": "1", "b/c": "2"}), tree({"b/c": "2", "a": "1"}), tree({"a": "2"})
    digest = await one.digest()
    return [digest == await same.digest(), digest == await other.digest()]


async def files_of_equal_contents_have_equal_digests(at: At) -> object:
    one, same, other = (tree({"a": text}).file("a") for text in ("1", "1", "2"))
    digest = await one.digest()
    return [digest == await same.digest(), digest == await other.digest()]


async def directory_exported_twice_is_equal(at: At) -> object:
    made = (
        base(at)
        .with_exec(sh("mkdir -p /o/s; echo 1 > /o/f; chmod 750 /o/f; ln -s f /o/l"))
        .directory("/o")
    )
    digests = []
    for name in ("one", "two"):
        await made.export(str(at.scratch / "twice" / name))
        digests.append(await dag.host().directory(str(at.scratch / "twice" / name)).digest())
    return digests[0] == digests[1]


async def directory_exported(at: At) -> object:
    made = base(at).with_exec(sh("mkdir -p /o/s; echo 1 > /o/f; chmod 750 /o/f; ln -s f /o/l"))
    target = at.scratch / "exported"
    answer = await made.directory("/o").export(str(target))
    return [
        answer,
        _names(target),
        oct((target / "f").stat().st_mode),
        str((target / "l").readlink()),
    ]


async def directory_exported_over_another(at: At) -> object:
    target = at.scratch / "over"
    await tree({"a": "1", "b": "1"}).export(str(target))
    await tree({"b": "2"}).export(str(target))
    return [_names(target), (target / "b").read_text()]


async def directory_exported_with_wipe(at: At) -> object:
    target = at.scratch / "wiped"
    await tree({"a": "1", "b": "1"}).export(str(target))
    await tree({"b": "2"}).export(str(target), wipe=True)
    return _names(target)


async def file_exported(at: At) -> object:
    target = at.scratch / "sub" / "g"
    await base(at).with_exec(sh("echo 1 > /f")).file("/f").export(str(target))
    return target.read_text()


@mentions("directory")
async def file_exported_onto_a_directory(at: At) -> object:
    target = at.scratch / "taken"
    target.mkdir(exist_ok=True)
    return await tree({"f": "1"}).file("f").export(str(target))


async def file_exported_into_a_directory(at: At) -> object:
    target = at.scratch / "into"
    target.mkdir(exist_ok=True)
    await tree({"f": "1"}).file("f").export(str(target), allow_parent_dir_path=True)
    return _names(target)


async def file_of_the_query(at: At) -> object:
    made = dag.file("n.txt", "text")
    return [await made.name(), await made.contents(), await made.size()]


async def load_directory_from_id(at: At) -> object:
    identity = await tree({"a": "1"}).id()
    return await dag.load_directory_from_id(dagger.DirectoryID(identity)).entries()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
