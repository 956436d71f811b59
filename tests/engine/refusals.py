"""What the embedded engine does not serve: one client program a field.

The error must name the field as the API calls it. These are not run on a real
engine, which has them all.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import SERVE, base, tree, web

Ask: TypeAlias = Callable[[At], Awaitable[object]]


def _privileged(at: At) -> Awaitable[object]:
    return base(at).with_exec(["true"], insecure_root_capabilities=True).sync()


def _nesting(at: At) -> Awaitable[object]:
    return base(at).with_exec(["true"], experimental_privileged_nesting=True).sync()


def _build_secret(at: At) -> Awaitable[object]:
    source = tree(
        {"Dockerfile": f"FROM {at.base}\nRUN --mount=type=secret,id=t cat /run/secrets/t\n"}
    )
    return source.docker_build(secrets=[dag.set_secret("t", "abc")]).sync()


REFUSED: dict[str, Ask] = {
    "Container.terminal": lambda at: base(at).terminal().sync(),
    "experimentalPrivilegedNesting": _nesting,
    "insecureRootCapabilities": _privileged,
    "Container.experimentalWithGPU": lambda at: base(at).experimental_with_gpu(["0"]).sync(),
    "Container.up": lambda at: web(at, "x").with_default_args(SERVE).up(),
    "Directory.changes": lambda at: tree({"a": "1"}).changes(dag.directory()).is_empty(),
    "Directory.dockerBuild": _build_secret,
    "Host.tunnel": lambda at: dag.host().tunnel(web(at, "x").as_service(args=SERVE)).start(),
    "Host.unixSocket": lambda at: dag.host().unix_socket("/run/none.sock").id(),
    "Query.http": lambda at: dag.http("http://localhost:1/x").contents(),
    "Query.llm": lambda at: dag.llm().model(),
    "Query.currentWorkspace": lambda at: dag.current_workspace().path(),
}


async def refusal_of(field: str, at: At) -> str:
    """The text of the error that asking for `field` gives."""
    try:
        await REFUSED[field](at)
    except dagger.QueryError as error:
        return str(error)
    return "no error"
