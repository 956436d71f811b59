"""Any repository with a compose file comes onto a server by its ci.toml alone, and back again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.server.observer import running

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Case:
    """What is deployed of a project, and how its next release differs."""

    services: tuple[str, ...]
    page: str
    source: str
    old: str
    new: str


CASES = {
    "go-service": Case(("service",), "/version", "main.go", "A service", "The service"),
    "site": Case(("site",), "/index.html", "public/index.html", "A site", "The site"),
    "shop": Case(("web", "worker"), "/version", "web/shop.py", "two roles", "both roles"),
}


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_a_foreign_repository_is_deployed_released_again_and_rolled_back(deployed, name, case):
    first, second = tags()
    theirs, stack = deployed.theirs, deployed.stack
    published = theirs.call("publish", "--tag", first)
    assert published.returncode == 0, published.stderr
    before = deployed.call("deploy", "--tag", first).splitlines()[-1]
    assert before == f"{theirs.image}@{published.stdout.strip().rpartition('@')[2]}"
    seen = page(stack, case)
    assert references(stack, case) == {before}
    database = containers(stack, "database")

    change(theirs, case)
    after = deployed.call("release", "--tag", second).splitlines()[-1]
    assert references(stack, case) == {after} != {before}
    assert page(stack, case) != seen
    assert second in deployed.call("status")

    back = deployed.call("rollback").splitlines()[-1]
    assert back == before
    assert references(stack, case) == {before}
    assert page(stack, case) == seen
    assert containers(stack, "database") == database


@pytest.mark.parametrize("name", ["go-service"])
def test_a_foreign_release_that_does_not_answer_is_kept_out(deployed, name):
    first, second = tags()
    theirs, stack = deployed.theirs, deployed.stack
    good = deployed.call("release", "--tag", first).splitlines()[-1]
    before = containers(stack, "service")
    # Healthy by the image's own check, and without the page that their ci.toml asks for.
    settings = theirs.root / "ci.toml"
    asked = '[deploy]\npath = "/nowhere"'
    settings.write_text(settings.read_text().replace("[deploy]", asked))
    change(theirs, CASES[name])
    published = theirs.call("publish", "--tag", second)
    assert published.returncode == 0, published.stderr
    refused = deployed.run("deploy", "--tag", second)
    assert refused.returncode != 0
    assert "Error: HealthDisagree: " in refused.stderr
    assert references(stack, CASES[name]) == {good}
    assert containers(stack, "service") == before


def tags():
    """Two release tags, the older one first."""
    now = datetime.now(UTC)
    return [f"{now - timedelta(minutes=ago):%Y%m%d-%H%M%S}" for ago in (1, 0)]


def change(theirs, case):
    """Commit what makes another release of it."""
    file = theirs.root / case.source
    text = file.read_text()
    assert case.old in text
    file.write_text(text.replace(case.old, case.new))
    theirs.commit("the next")


def references(stack, case):
    """What runs, of all services that are the released image."""
    return {running(stack, service)[0] for service in case.services}


def containers(stack, service):
    """Which containers of a service there are, and since when they run."""
    return [(each["Id"], each["State"]["StartedAt"]) for each in stack.service(service)]


def page(stack, case):
    """What the published port answers."""
    address = f"http://{stack.remote.server['SERVER_HOST']}:{stack.port}{case.page}"
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 200
    return answer.text
