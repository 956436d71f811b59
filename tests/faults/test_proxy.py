"""The proxy is transparent, and its faults are faults; it is judged before it judges us."""

import contextlib
import http.client
import json
import secrets
import time

import pytest

from tests.clients import Client
from tests.contract.images import release
from tests.faults.actions import answer, endless, reset_request, reset_response, stall, truncated
from tests.faults.caller import Caller
from tests.faults.observer import Observer, name_of
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.registry
PARTS = release("20260123-170510", "sha256:0")
BLOB = PARTS.blobs[0]
DIGEST = str(PARTS.children[0].digest)


def conversation(address: str, path: str, token: str) -> list[bytes]:
    """Every kind of request that pushing, reading and deleting makes, and some that are wrong."""
    caller, root = Caller(address, token), f"/v2/{path}"
    caller.ask("GET", "/v2/", token=False)
    caller.ask("GET", "/v2/")
    caller.ask("GET", f"{root}/tags/list")
    for number, blob in enumerate(PARTS.blobs):
        location, left = caller.ask("POST", f"{root}/blobs/uploads/")["location"], blob
        if number % 2:
            where = location.removeprefix(f"http://{address}")
            location, left = caller.ask("PATCH", where, blob, chunked=True)["location"], b""
        end = f"{location.removeprefix(f'http://{address}')}&digest={name_of(blob)}"
        caller.ask("PUT", end, left, *(("Expect: 100-continue",) if number == 2 else ()))
    for child in (*PARTS.children, PARTS.top):
        kind = f"Content-Type: {child.media_type}"
        caller.ask("PUT", f"{root}/manifests/{child.digest}", child.raw, kind)
    top = f"Content-Type: {PARTS.top.media_type}", f"Accept: {PARTS.top.media_type}"
    caller.ask("PUT", f"{root}/manifests/latest", PARTS.top.raw, *top)
    for method in ("HEAD", "GET"):
        caller.ask(method, f"{root}/blobs/{name_of(BLOB)}")
        caller.ask(method, f"{root}/manifests/latest", b"", *top)
    caller.ask("GET", f"{root}/manifests/latest")
    caller.ask("GET", f"{root}/manifests/sha256:baddigest")
    caller.ask("GET", f"{root}/blobs/{name_of(BLOB)}", b"", "Range: bytes=2-5")
    caller.ask("PUT", f"{root}/manifests/odd", b"{}", "Content-Type: text/plain")
    caller.ask("DELETE", f"{root}/tags/list")
    caller.ask("DELETE", f"{root}/manifests/{DIGEST}")
    caller.ask("GET", f"{root}/manifests/{DIGEST}")
    caller.ask("GET", "/nothing/here")
    caller.close()
    return caller.answers


@pytest.fixture
def path() -> str:
    return f"acme/proxy-{secrets.token_hex(4)}"


@pytest.fixture
def token(target: str, credentials, path: str) -> str:
    """A token with every right, by hand."""
    return Observer(target, path, credentials.user, credentials.token).token("pull,push,delete")


def test_the_same_conversation_gets_the_same_bytes(target, proxy, path, token):
    through = conversation(proxy.address, path, token)
    # Done twice, so that what the first left behind is the same for both.
    direct, again = (conversation(each, path, token) for each in (target, proxy.address))
    assert direct == again
    assert len(through) == len(direct) > 25
    assert {each.split()[1] for each in again} >= {b"200", b"201", b"202", b"401", b"404", b"405"}


def test_requests_and_bytes_are_counted(proxy, path, token):
    conversation(proxy.address, path, token)
    (put,) = proxy.seen("PUT", "/manifests/latest")
    assert put.status == 201
    assert put.request_bytes > len(PARTS.top.raw)
    assert len(proxy.seen("POST")) == len(PARTS.blobs)
    assert sum(each.response_bytes for each in proxy.log) > 5000


def test_skopeo_copies_through_it(skopeo: Client, proxy, target, credentials, path, small_image):
    skopeo.log_in(proxy.address, credentials)
    reference = f"docker://{proxy.address}/{path}:1"
    skopeo.allowed("copy", "--dest-tls-verify=false", small_image, reference)
    observer = Observer(target, path, credentials.user, credentials.token)
    seen = json.loads(skopeo.allowed("inspect", "--tls-verify=false", reference))
    assert seen["Digest"] == observer.digest("1")
    assert observer.holds_tree("1")


def test_docker_pushes_and_pulls_through_it(
    docker: Client, proxy, target, credentials, path, small_tar
):
    docker.log_in(proxy.address, credentials)
    reference = f"{proxy.address}/{path}:1"
    built = docker.allowed("import", "-", reference, stdin=small_tar).strip()
    try:
        docker.allowed("push", reference)
        docker.allowed("rmi", reference)
        docker.allowed("pull", reference)
        found = docker.allowed("image", "inspect", "--format", "{{.Id}}", reference)
    finally:
        docker.run("rmi", reference)
    assert found.strip() == built
    assert Observer(target, path, credentials.user, credentials.token).holds_tree("1")


def get(proxy: FaultProxy, size: int | None = None, timeout_s: float = 30) -> tuple[int, int]:
    """Status, and how many bytes of the body came."""
    host, _, port = proxy.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET", "/v2/")
        with connection.getresponse() as response:
            return response.status, len(response.read(size))


def test_a_step_takes_the_calls_it_names_and_no_others(proxy):
    proxy.on("GET", "^/v2/$", answer(503), nth=2, times=2)
    assert [get(proxy)[0] for _ in range(4)] == [401, 503, 503, 401]


def test_a_lost_answer_was_carried_out(proxy, target, credentials, path, token):
    conversation(proxy.address, path, token)
    proxy.on("DELETE", "/manifests/", reset_response())
    caller = Caller(proxy.address, token)
    with pytest.raises(ConnectionResetError):
        caller.ask("DELETE", f"/v2/{path}/manifests/{PARTS.children[1].digest}")
    caller.close()
    observer = Observer(target, path, credentials.user, credentials.token)
    assert observer.digest(str(PARTS.children[1].digest)) is None


def test_a_request_that_breaks_off_is_not_carried_out(proxy, target, credentials, path, token):
    conversation(proxy.address, path, token)
    proxy.on("PUT", "/manifests/", reset_request(600))
    caller = Caller(proxy.address, token)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        caller.ask("PUT", f"/v2/{path}/manifests/broken", PARTS.top.raw)
    caller.close()
    assert Observer(target, path, credentials.user, credentials.token).digest("broken") is None


def test_a_stalled_answer_says_nothing_more(proxy):
    proxy.on("GET", "", stall(at=20))
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        get(proxy, timeout_s=1)
    assert time.monotonic() - begun >= 1


def test_a_truncated_answer_ends_before_its_length(proxy):
    proxy.on("GET", "", truncated(5))
    with pytest.raises(http.client.IncompleteRead):
        get(proxy)


def test_an_endless_answer_goes_on(proxy):
    proxy.on("GET", "", endless("application/json"))
    assert get(proxy, 3_000_000) == (200, 3_000_000)
