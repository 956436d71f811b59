"""GitHub's registry as it was seen to answer: each answer with where and when (FAILURES.md, 3).

No live call was possible when this was written. Bodies are those of the sources; where a source
shows only what a client printed, the body is the registry API's form of that text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ci.decisions.credentials import Credentials
from tests.faults.actions import Action, answer
from tests.faults.proxy import Call, FaultProxy

NAME = "ghcr.io/acme/observer"
USER = Credentials("acme", "ghp_secretsecretsecret")
# GHCR's tokens are not always JWTs (radius#12623, 2026-08).
OPAQUE_TOKEN = "bm90LWEtand0OnYxOjE3Njk="


def refusal(code: str, message: str) -> str:
    """An error body of the registry API."""
    return json.dumps({"errors": [{"code": code, "message": message}]})


DENIED = refusal("DENIED", "requested access to the resource is denied")
_CHALLENGE = answer(
    401,
    refusal("UNAUTHORIZED", "authentication required"),
    headers={
        "WWW-Authenticate": 'Bearer realm="https://ghcr.io/token",service="ghcr.io",'
        'scope="repository:acme/observer:pull"'
    },
)
GRANTED = answer(200, json.dumps({"token": OPAQUE_TOKEN}))


@dataclass(frozen=True)
class Seen:
    """An answer of GHCR's that somebody saw."""

    status: int
    body: str
    source: str
    date: str
    headers: Mapping[str, str] | None = None

    @property
    def action(self) -> Action:
        """The answer, as the proxy gives it."""
        return answer(self.status, self.body, headers=self.headers)


MISSING_OR_PRIVATE = Seen(401, DENIED, "openai/tunnel-client#75; catwalk#518", "2026-09; 2026-08")
MISSING_OR_PRIVATE_2020 = Seen(403, DENIED, "docker/build-push-action#200", "2020")
EXPIRED = Seen(
    403, refusal("DENIED", "denied"), "akuity/kargo#778; cloud-api-adaptor#2829", "2026-02"
)
NOT_AUTHENTICATED = Seen(
    401,
    refusal(
        "UNAUTHORIZED", "unauthenticated: User cannot be authenticated with the token provided."
    ),
    "wud#219; Retro68#274",
    "2025",
)
INVALID_TOKEN = Seen(
    403, refusal("DENIED", "invalid token"), "argocd-image-updater#303; renovate#11446", "2021"
)
NO_READ = Seen(
    403,
    refusal("DENIED", "permission_denied: read_package"),
    "kedacore/http-add-on#48; openship#255",
    "2021; 2026-07",
)
NO_WRITE = Seen(
    403,
    refusal("DENIED", "permission_denied: write_package"),
    "tunaOS#642; skillsbench#853; rego_policy_libraries#89",
    "2026-07; 2026-05; 2026-09",
)
NO_CREATE = Seen(
    403,
    refusal("DENIED", "installation not allowed to Create organization package"),
    "docker/build-push-action#606; application-sdk#2680",
    "2026-07",
)
NO_WRITE_IN_ORGANISATION = Seen(
    403,
    refusal("DENIED", "installation not allowed to Write organization package"),
    "git-mirror#516; SlyBase/helm-charts#595",
    "2026-06; 2026-08",
)
NO_OWNER = Seen(
    403, refusal("DENIED", "not_found: owner not found"), "goreleaser/goreleaser#2815", "2022"
)
NO_TAG = Seen(
    404, refusal("MANIFEST_UNKNOWN", "manifest unknown"), "substra-frontend#102; authelia#2400", ""
)
UNKNOWN_BLOB = Seen(
    404,
    refusal("BLOB_UNKNOWN", "unknown blob"),
    "konk#626; agent-glovebox#4055",
    "2026-06; 2026-08",
)
TOO_MANY = Seen(
    429,
    refusal("TOOMANYREQUESTS", "retry-after: 10.305464ms, allowed: 2000/minute"),
    "chainguard-images#173; gardenlinux#2585",
    "",
)
SECONDARY_LIMIT = Seen(
    403,
    refusal(
        "DENIED",
        "permission_denied: Error from intermediary with HTTP status code 403 'Forbidden':"
        " You have exceeded a secondary rate limit. Please wait a few minutes.",
    ),
    "vcell#1888; refchecker#67; kubeswift#452",
    "2026-08",
)
BAD_GATEWAY = Seen(502, "<html>502 Bad Gateway</html>", "gardenlinux#2585", "")
NO_CANCEL = Seen(405, refusal("UNSUPPORTED", "unsupported"), "radius#12623", "2026-08")
UPLOAD = Seen(
    202, "", "radius#12623", "2026-08", {"Location": "/v2/acme/observer/blobs/upload/0.1?x=1"}
)


def play(proxy: FaultProxy, *, token: Action = GRANTED) -> FaultProxy:
    """Answer as GHCR does at the door: a challenge without a token, then what `token` says.

    What is scripted before this call goes before it; what nothing is scripted for is unknown.
    """
    proxy.always("GET", r"^/token\?", token)
    proxy.always("POST", "/blobs/uploads/", behind_the_door(UPLOAD.action))
    proxy.always("DELETE", "/blobs/upload/", behind_the_door(NO_CANCEL.action))
    return proxy.always("[A-Z]+", "^/v2/", behind_the_door(NO_TAG.action))


def behind_the_door(action: Action) -> Action:
    """Ask for a token first, as GHCR does even for public packages (dependabot-action#131)."""

    async def act(call: Call) -> None:
        known = call.head.headers.get("authorization", "") == f"Bearer {OPAQUE_TOKEN}"
        await (action if known else _CHALLENGE)(call)

    return act
