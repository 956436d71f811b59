"""The token protocol, spoken by hand: what Docker's and GHCR's clients rely on."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography import x509

from rehearsal.credentials import certificate_file, ensure_secrets, key_file
from rehearsal.layout import READER, WRITER, Layout
from rehearsal.settings import write_token_server
from rehearsal.token_policy import POLICY, Scope, grant, parse_scopes
from rehearsal.token_server import LIFETIME_S, TokenServer, load_issuer

SCOPE = "repository:acme/observer:pull,push"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    ensure_secrets(made)
    return made


@pytest.fixture
def server(layout: Layout) -> Iterator[httpx.Client]:
    settings = json.loads(write_token_server(layout, address="127.0.0.1", port=0).read_text())
    with TokenServer(("127.0.0.1", 0), load_issuer(settings, layout.state)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        with httpx.Client(
            base_url=base, params={"service": settings["service"]}, timeout=60
        ) as client:
            yield client
        server.shutdown()
        thread.join()


def claims(layout: Layout, token: str) -> dict:
    key = x509.load_pem_x509_certificate(certificate_file(layout).read_bytes()).public_key()
    service = f"rehearsal-{layout.identity}"
    return jwt.decode(token, key, ["ES256"], audience=service, issuer="rehearsal")


def test_the_writer_gets_what_is_asked_for(server, layout):
    password = layout.token_file(WRITER).read_text()
    answer = server.get("/token", params={"scope": SCOPE}, auth=(WRITER, password)).json()
    access = claims(layout, answer["token"])["access"]
    expected = {"type": "repository", "name": "acme/observer", "actions": ["pull", "push"]}
    assert access == [expected]
    assert answer["access_token"] == answer["token"]
    assert answer["expires_in"] == LIFETIME_S


def test_the_form_of_oauth_gives_the_same_rights(server, layout):
    form = {
        "grant_type": "password",
        "service": f"rehearsal-{layout.identity}",
        "scope": SCOPE,
        "username": READER,
        "password": layout.token_file(READER).read_text(),
    }
    answer = server.post("/token", data=form)
    assert claims(layout, answer.json()["access_token"])["access"][0]["actions"] == ["pull"]


def test_a_token_carries_the_certificate_that_the_registry_trusts(server, layout):
    header = jwt.get_unverified_header(server.get("/token").json()["token"])
    trusted = x509.load_pem_x509_certificate(certificate_file(layout).read_bytes())
    sent = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    assert sent == trusted


def test_without_credentials_there_is_a_token_without_rights(server, layout):
    answer = server.get("/token", params={"scope": SCOPE})
    assert answer.status_code == 200
    assert claims(layout, answer.json()["token"])["access"] == []


BAD_REQUESTS = {
    "wrong password": (401, "/token", {}, b"Basic cmVoZWFyc2FsOng="),
    "unknown user": (401, "/token", {}, b"Basic bm9ib2R5Og=="),
    "a bearer token": (401, "/token", {}, b"Bearer abc"),
    "not base64": (401, "/token", {}, b"Basic \xff"),
    "another service": (400, "/token", {"service": "elsewhere"}, None),
    "not a scope": (400, "/token", {"scope": "repository"}, None),
    "another path": (404, "/v2/", {}, None),
}


@pytest.mark.parametrize("request_", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_a_bad_request_is_refused_in_the_registry_s_form(server, request_):
    status, path, query, authorization = request_
    headers = {"Authorization": authorization} if authorization else {}
    answer = server.get(path, params=query, headers=headers)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_another_grant_is_refused(server):
    assert server.post("/token", data={"grant_type": "refresh_token"}).status_code == 400


def test_passwords_are_made_once_and_readable_by_their_owner_alone(layout):
    before = layout.token_file(WRITER).read_bytes()
    ensure_secrets(layout)
    assert layout.token_file(WRITER).read_bytes() == before
    for path in (
        layout.token_file(WRITER),
        layout.token_file(READER),
        key_file(layout),
    ):
        assert path.stat().st_mode & 0o077 == 0


def test_a_repository_may_carry_a_port():
    assert parse_scopes(["repository:localhost:5000/a:pull registry:catalog:*"]) == [
        Scope("repository", "localhost:5000/a", ("pull",)),
        Scope("registry", "catalog", ("*",)),
    ]


RIGHTS = {
    "the writer pushes": (WRITER, "repository:a/b:push", ["push"]),
    "the reader only pulls": (READER, "repository:a/b:pull,push,delete", ["pull"]),
    "nobody pulls what is public": ("", "repository:public/a/b:pull,push", ["pull"]),
    "nobody pulls nothing else": ("", "repository:publicity/a:pull", []),
    "no catalog": (WRITER, "registry:catalog:*", []),
}


@pytest.mark.parametrize(("account", "scope", "expected"), RIGHTS.values(), ids=RIGHTS.keys())
def test_the_policy(account, scope, expected):
    granted = grant(account, parse_scopes([scope]), POLICY)
    assert [action for entry in granted for action in entry.actions] == expected
