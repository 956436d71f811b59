"""What the cases are made of."""

import base64
import http.server
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import dagger
import httpx
from dagger import dag

from tests.engine.at import At

MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
WORDS = re.compile(r'(\w+)="([^"]*)"')
SERVE = ["python3", "-u", "-m", "http.server", "8000", "--directory", "/www"]
GET = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=20).read().decode())"

# Any: these are read by cases, which fail on what they do not find.
Json: TypeAlias = Any


def base(at: At) -> dagger.Container:
    """A container of the base image."""
    return dag.container().from_(at.base)


def sh(script: str) -> list[str]:
    """The arguments that run `script` by the shell."""
    return ["sh", "-c", script]


def get(url: str) -> list[str]:
    """The arguments that print what `url` answers."""
    return ["python3", "-c", GET, url]


def fresh(at: At) -> dagger.Container:
    """A base container in which no step was run before this run of the suite."""
    return base(at).with_env_variable("SALT", at.salt)


def tree(files: Mapping[str, str]) -> dagger.Directory:
    """A directory of `files`, path to contents."""
    made = dag.directory()
    for path, contents in files.items():
        made = made.with_new_file(path, contents)
    return made


def written(root: Path, files: Mapping[str, str]) -> Path:
    """`root` on this host, with `files` written into it."""
    for path, contents in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(contents)
    return root


def web(at: At, page: str) -> dagger.Container:
    """A container that serves `page` on port 8000 once it is a service."""
    return base(at).with_new_file("/www/index.html", page).with_exposed_port(8000)


@contextmanager
def page_on_this_host(page: str) -> Iterator[int]:
    """Serve `page` on loopback; yields the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing: pytest's output is for results."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def logged_in(at: At, container: dagger.Container) -> dagger.Container:
    """`container`, allowed to pull from and push to the registry."""
    token = dag.set_secret("registry-token", at.registry.token)
    return container.with_registry_auth(at.registry.address, at.registry.user, token)


async def published(at: At, container: dagger.Container, name: str) -> str:
    """Publish `container` under `name`, such as `one:1`; the reference with its digest."""
    return await logged_in(at, container).publish(target(at, name))


def pulled(at: At, reference: str) -> dagger.Container:
    """The container of a published reference."""
    return logged_in(at, dag.container()).from_(reference)


def target(at: At, name: str) -> str:
    """The reference of `name` among the suite's own repositories."""
    return f"{at.registry.address}/conformance/{name}"


def manifest(at: At, reference: str) -> Json:
    """The manifest or index that the registry has for a reference with a digest."""
    return _json(at, reference, "manifests", reference.partition("@")[2], MANIFEST_TYPES)


def config(at: At, reference: str) -> Json:
    """The image configuration of a reference to one platform's image."""
    digest = manifest(at, reference)["config"]["digest"]
    return _json(at, reference, "blobs", digest, "*/*")


def _json(at: At, reference: str, kind: str, digest: str, accept: str) -> Json:
    repository = reference.partition("@")[0].rpartition(":")[0].partition("/")[2]
    url = f"http://{at.registry.address}/v2/{repository}/{kind}/{digest}"
    with httpx.Client(headers={"Accept": accept}, follow_redirects=True, timeout=60) as client:
        answer = client.get(url)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            asked = answer.headers["www-authenticate"]
            answer = client.get(url, headers={"Authorization": _authorization(at, client, asked)})
    answer.raise_for_status()
    found: Json = answer.json()
    return found


def _authorization(at: At, client: httpx.Client, asked: str) -> str:
    """The header that answers a `WWW-Authenticate` of either kind."""
    account = (at.registry.user, at.registry.token)
    if asked.lower().startswith("basic"):
        return "Basic " + base64.b64encode(":".join(account).encode()).decode()
    words = dict(WORDS.findall(asked))
    answer = client.get(words.pop("realm"), params=words, auth=account)
    return f"Bearer {answer.json()['token']}"
