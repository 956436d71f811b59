"""The house's rules: who imports whom, what pure rooms may do, and how large things get."""

import ast
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / "ci"
PURE = ("ci.oci", "ci.decisions")
# From the bottom up; a module may import from its own level and below.
LEVELS = (
    ("ci.errors", "ci.server_errors", "ci.transaction_errors"),
    ("ci.oci",),
    ("ci.decisions",),
    (
        "ci.engine",
        "ci.ports",
        "ci.scratch",
        "ci.server_settings",
        "ci.settings",
        "ci.together",
        "ci.toml_table",
    ),
    ("ci.access", "ci.build", "ci.history", "ci.host_access", "ci.read", "ci.remote", "ci.survey"),
    ("ci.check", "ci.push", "ci.survey_host", "ci.tagging", "ci.transaction", "ci.verify"),
    ("ci.deploy", "ci.publish", "ci.recover", "ci.status"),
    ("ci.rollback", "ci.run"),
    ("ci.audit", "ci.run_host"),
    ("ci.main",),
)
OUTSIDE = {
    "anyio", "asyncio", "asyncssh", "dagger", "httpx", "io", "logging", "os", "pathlib", "random",
    "secrets", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile",
    "threading", "time", "urllib.request",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}
FUNCTION_LINES, FILE_LINES = 30, 300

FILES = {
    ".".join(("ci", *path.relative_to(CI).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(CI.rglob("*.py"))
    if "embedded" not in path.relative_to(CI).parts
}
EMBEDDED = sorted((CI / "embedded").rglob("*.py"))


def tree_of(path):
    return ast.parse(path.read_text())


def imports_of(path):
    """Every module that a file imports, also inside functions; `from a import b` gives a.b too."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def is_in(module, room):
    return module == room or module.startswith(f"{room}.")


def level_of(module):
    levels = [at for at, rooms in enumerate(LEVELS) if any(is_in(module, room) for room in rooms)]
    return levels[0] if levels else None


def test_every_module_has_its_level():
    homeless = [name for name in FILES if level_of(name) is None]
    assert homeless == [name for name in FILES if name == "ci" or is_in(name, "ci.adapters")]


@pytest.mark.parametrize("name", [name for name in FILES if level_of(name) is not None])
def test_imports_go_down_only(name):
    above = [
        other
        for other in imports_of(FILES[name])
        if is_in(other, "ci") and (level_of(other) or 0) > level_of(name)
    ]
    assert above == []


@pytest.mark.parametrize("name", FILES)
def test_only_main_knows_the_adapters_and_nobody_the_embedded_engine(name):
    found = imports_of(FILES[name])
    assert not any(is_in(other, "ci.embedded") for other in found)
    if name != "ci.main" and not is_in(name, "ci.adapters"):
        assert not any(is_in(other, "ci.adapters") for other in found)


@pytest.mark.parametrize("name", [name for name in FILES if any(is_in(name, r) for r in PURE)])
def test_pure_rooms_touch_nothing(name):
    assert not {other for other in imports_of(FILES[name]) for out in OUTSIDE if is_in(other, out)}
    for node in ast.walk(tree_of(FILES[name])):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), name
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            assert called not in CLOCKS | {"open", "print", "input", "getenv"}, (name, called)


@pytest.mark.parametrize("path", EMBEDDED, ids=lambda path: str(path.relative_to(CI)))
def test_the_embedded_engine_stands_alone(path):
    ours = [other for other in imports_of(path) if is_in(other, "ci") and other != "ci"]
    assert [other for other in ours if not is_in(other, "ci.embedded")] == []


@pytest.mark.parametrize("name", FILES)
def test_files_and_functions_stay_small(name):
    assert len(FILES[name].read_text().splitlines()) <= FILE_LINES
    for node in ast.walk(tree_of(FILES[name])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("name", FILES)
def test_public_things_have_a_docstring(name):
    if name in ("ci", "ci.oci", "ci.decisions", "ci.adapters"):
        return
    tree = tree_of(FILES[name])
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            assert node.name.startswith("_") or ast.get_docstring(node), node.name


def test_main_starts_without_heavy_modules():
    heavy = {"httpx", "anyio", "asyncssh", "ci.run", "ci.publish"}
    top = [node for node in tree_of(FILES["ci.main"]).body if isinstance(node, ast.Import)]
    top += [node for node in tree_of(FILES["ci.main"]).body if isinstance(node, ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in top}
    assert not names & heavy
