"""The session listens on loopback, knows its client by the token, and refuses by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ci.embedded.schema import Derivation, client_source
from ci.embedded.server import session, snake


@pytest.fixture
def at(tmp_path: Path):
    with session({**os.environ, "CI_EMBEDDED_STATE": str(tmp_path)}) as found:
        yield found


def query(port: int, token: str, text: str) -> httpx.Response:
    url = f"http://127.0.0.1:{port}/query"
    return httpx.post(url, json={"query": text}, auth=(token, ""))


def test_the_right_token_is_answered_and_any_other_is_not(at: tuple[int, str]) -> None:
    port, token = at
    assert query(port, token, "{version}").json() == {"data": {"version": "v0.21.8"}}
    assert query(port, token[:-1], "{version}").status_code == 401
    assert (
        httpx.post(f"http://127.0.0.1:{port}/query", json={"query": "{version}"}).status_code == 401
    )


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's table of sockets")
def test_only_the_loopback_address_is_listened_on(at: tuple[int, str]) -> None:
    port, _ = at
    listening = {
        local.partition(":")[0]
        for local, state in (line.split()[1:4:2] for line in _tcp_sockets())
        if state == "0A" and int(local.partition(":")[2], 16) == port
    }
    assert listening == {"0100007F"}


def _tcp_sockets() -> list[str]:
    """The lines of the kernel's table, of both address families, without their headings."""
    tables = (Path(f"/proc/net/{name}") for name in ("tcp", "tcp6"))
    texts = [table.read_text() for table in tables if table.exists()]
    return [line for text in texts for line in text.split("\n")[1:-1]]


def test_what_is_not_json_does_not_end_the_session(at: tuple[int, str]) -> None:
    port, token = at
    url = f"http://127.0.0.1:{port}/query"
    assert httpx.post(url, content=b"\xff{", auth=(token, "")).status_code == 400
    assert httpx.post(url, json={"no": "query"}, auth=(token, "")).status_code == 400
    assert query(port, token, "{version}").status_code == 200


def test_a_field_outside_the_slice_is_refused_by_name(at: tuple[int, str]) -> None:
    errors = query(*at, "{container{terminal{id}}}").json()["errors"]
    assert "Container.terminal is not served by the embedded engine" in errors[0]["message"]


def test_a_chain_of_four_hundred_calls_is_one_query(at: tuple[int, str]) -> None:
    depth = 400
    text = (
        "{container"
        + '{withEnvVariable(name:"A",value:"1")' * depth
        + '{envVariable(name:"A")}'
        + "}" * depth
        + "}"
    )
    assert query(*at, text).status_code == 200


def test_the_schema_is_that_of_the_installed_client() -> None:
    text = Derivation(client_source().read_text()).sdl()
    assert "type Container implements Node & Syncer" in text
    assert "withExec(args: [String!]!, useEntrypoint: Boolean = false" in text
    assert text.count("\n  ") > 700, "the client's module has changed its shape"


def test_field_names_become_method_names() -> None:
    names = ["withExec", "from", "asGit", "loadContainerFromID", "stdout"]
    assert [snake(name) for name in names] == [
        "with_exec",
        "from_",
        "as_git",
        "load_container_from_id",
        "stdout",
    ]


def test_the_session_verb_serves_until_its_input_ends(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ci.embedded", "session"],
        env={**os.environ, "CI_EMBEDDED_STATE": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    found = json.loads(process.stdout.readline())
    assert query(found["port"], found["session_token"], "{version}").status_code == 200
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    process.stdout.close()
