"""Docker's token protocol for the rehearsal's registry: GET /token with Basic, POST as OAuth 2.

Source: docs/spec/auth/{token,jwt,oauth}.md of docker/distribution 2.8.
"""

import base64
import hmac
import json
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rehearsal.token_policy import ANONYMOUS, POLICY, Scope, grant, parse_scopes

ALGORITHM = "ES256"
# Clients take a token without a lifetime, or with a shorter one, to live this long.
LIFETIME_S = 60
LONGEST_FORM_BYTES = 64 * 1024


class Refused(Exception):
    """The answer is an error: HTTP status, code of the registry API, text for a person."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens for the one service it serves."""

    name: str
    service: str
    key: bytes
    certificate: str
    accounts: Mapping[str, str]

    def account_of(self, user: str, password: str) -> str:
        """The account behind the credentials.

        Raises:
            Refused: unknown user or wrong password; which of the two is not told.
        """
        known = self.accounts.get(user, secrets.token_hex())
        if not hmac.compare_digest(known.encode(), password.encode()):
            raise Refused(401, "UNAUTHORIZED", "incorrect username or password")
        return user

    def answer(self, account: str, service: str, scopes: list[Scope]) -> dict[str, Any]:
        """The token document for what of `scopes` the account may do."""
        if service != self.service:
            raise Refused(400, "UNSUPPORTED", f"this server issues no tokens for {service!r}")
        now = int(time.time())
        access = [
            {"type": scope.kind, "name": scope.name, "actions": list(scope.actions)}
            for scope in grant(account, scopes, POLICY)
        ]
        claims = {
            "iss": self.name,
            "sub": account,
            "aud": service,
            "iat": now,
            "nbf": now - 5,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        token = jwt.encode(claims, self.key, ALGORITHM, headers={"x5c": [self.certificate]})
        issued_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        return {
            "token": token,
            "access_token": token,
            "expires_in": LIFETIME_S,
            "issued_at": issued_at,
            "scope": " ".join(f"{s.kind}:{s.name}:{','.join(s.actions)}" for s in scopes),
        }


class Handler(BaseHTTPRequestHandler):
    """One request; the server carries the issuer."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    server: "TokenServer"

    def do_GET(self) -> None:
        """A token for the Basic credentials, or for nobody."""
        self._reply(lambda: self._token(_parameters(urlsplit(self.path).query), self._basic()))

    def do_POST(self) -> None:
        """A token for the credentials of the form, as containerd and BuildKit ask."""
        self._reply(self._token_for_form)

    def _token_for_form(self) -> dict[str, Any]:
        size = int(self.headers.get("Content-Length") or 0)
        if size > LONGEST_FORM_BYTES:
            self.close_connection = True
            raise Refused(413, "UNSUPPORTED", "the form is too long")
        form = _parameters(self.rfile.read(size).decode("utf-8", "replace"))
        if form.get("grant_type") != ["password"]:
            raise Refused(400, "UNSUPPORTED", "only grant_type=password is served")
        return self._token(form, (form.get("username", [""])[0], form.get("password", [""])[0]))

    def _token(
        self, parameters: dict[str, list[str]], credentials: tuple[str, str] | None
    ) -> dict[str, Any]:
        if urlsplit(self.path).path != "/token":
            raise Refused(404, "UNSUPPORTED", "only /token is served")
        issuer = self.server.issuer
        account = issuer.account_of(*credentials) if credentials else ANONYMOUS
        try:
            scopes = parse_scopes(parameters.get("scope", []))
        except ValueError as error:
            raise Refused(400, "UNSUPPORTED", str(error)) from error
        return issuer.answer(account, parameters.get("service", [""])[0], scopes)

    def _basic(self) -> tuple[str, str] | None:
        header = self.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, encoded = header.partition(" ")
        try:
            user, separator, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            separator = ""
        if scheme.lower() != "basic" or not separator:
            raise Refused(401, "UNAUTHORIZED", "Authorization is not Basic user:password")
        return user, password

    def _reply(self, answer: Any) -> None:
        try:
            status, document = 200, answer()
        except Refused as refused:
            status = refused.status
            document = {"errors": [{"code": refused.code, "message": refused.message}]}
        body = json.dumps(document).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="rehearsal"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class TokenServer(ThreadingHTTPServer):
    """The server with its issuer."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], issuer: Issuer) -> None:
        super().__init__(address, Handler)
        self.issuer = issuer


def _parameters(query: str) -> dict[str, list[str]]:
    return parse_qs(query, keep_blank_values=True)


def load_issuer(settings: Mapping[str, Any], folder: Path) -> Issuer:
    """Read the key, the certificate and the passwords, which lie beside the settings."""
    certificate = x509.load_pem_x509_certificate((folder / settings["certificate"]).read_bytes())
    return Issuer(
        name=settings["issuer"],
        service=settings["service"],
        key=(folder / settings["key"]).read_bytes(),
        certificate=base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        accounts={
            user: (folder / name).read_text().strip() for user, name in settings["accounts"].items()
        },
    )


def main(path: str) -> None:
    """Serve until stopped; `path` is a JSON file as `registries.py` writes it."""
    settings = json.loads(Path(path).read_text())
    issuer = load_issuer(settings, Path(path).parent)
    with TokenServer((settings["address"], settings["port"]), issuer) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
