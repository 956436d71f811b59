"""What the server's own Docker and port show; nothing here asks the transaction."""

import httpx

from tests.server.driver import Stack


def running(stack: Stack, service: str = "web") -> tuple[str, str]:
    """Reference and image id of the service's one container, which must run."""
    (container,) = stack.service(service)
    assert container["State"]["Running"]
    return container["Config"]["Image"], container["Image"]


def same_container(before: list[dict], after: list[dict]) -> bool:
    """Whether it is the one container of before, never stopped since."""
    seen = [
        [(c["Id"], c["State"]["StartedAt"], c["RestartCount"]) for c in x] for x in (before, after)
    ]
    return len(before) == 1 and seen[0] == seen[1]


def version(stack: Stack) -> str:
    """The tag that the published port answers with."""
    address = stack.remote.server["SERVER_HOST"]
    return httpx.get(f"http://{address}:{stack.port}/version", trust_env=False).json()["tag"]
