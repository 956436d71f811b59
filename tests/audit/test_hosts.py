"""Each rule about the host, on a right one that was changed in one place."""

from dataclasses import replace
from datetime import UTC

import pytest

from ci.decisions.audit.evidence import HostSeen, Sample
from ci.decisions.audit.findings import roots
from ci.decisions.audit.hosts import judge_host
from ci.decisions.audit.judge import Seen, judge
from ci.decisions.audit.reports import render_reports
from ci.decisions.audit.samples import parse_samples
from ci.decisions.ledger import Entry
from ci.decisions.server_facts import Facts, Running
from ci.oci.digest import digest_of
from ci.oci.platform import parse_platform
from ci.oci.reference import parse_repository
from ci.survey import survey_registry
from tests.audit.story import MOMENT, QUESTION, RELEASE, RELEASE_PATH, repository_seen
from tests.contract.images import release
from tests.contract.simulator import RegistrySimulator, Store

OLD, NEW = "20260122-181500", "20260123-170510"
REPOSITORY = parse_repository("ghcr.io/acme/observer")
COMPOSE, OTHER = digest_of(b"compose"), digest_of(b"other")
WELL = Sample("2026-01-23T17:30:00", is_well=True, output="ok")


@pytest.fixture
async def registry():
    store = Store()
    for name in (OLD, NEW):
        store.tags[name] = store.put(release(name, "sha256:0", platforms=("linux/amd64",)))
    store.tags["latest"] = store.tags[NEW]
    simulator = RegistrySimulator(store, time=lambda: MOMENT)
    seen, gaps = await survey_registry(simulator, REPOSITORY, UTC)
    assert gaps == []
    return seen


def entry_of(read):
    image = read.tree.images[0]
    return Entry(
        "2026-01-23T17:20:00Z",
        f"deploy-{read.tag}",
        str(read.tag),
        f"{REPOSITORY}@{read.digest}",
        read.digest,
        image.config_digest,
        COMPOSE,
    )


def host_of(registry, name=NEW, **changes):
    """A host that runs a release as it should; `changes` are of its container."""
    read = next(each for each in registry.releases if str(each.tag) == name)
    entry = entry_of(read)
    container = Running(
        id="c" * 64,
        image=str(entry.config),
        status="running",
        health="healthy",
        started="2026-01-23T17:19:00Z",
        reference=entry.reference,
        manifest="",
    )
    facts = Facts(
        platform=parse_platform("linux/amd64"),
        trouble=None,
        journal={"state": "settled"},
        ledger=(entry,),
        holder="",
        service=(replace(container, **changes),),
        kept={COMPOSE: COMPOSE},
        beside={"compose.yaml": COMPOSE},
        containers=(),
        images=frozenset(),
    )
    return HostSeen("deploy@host:22", "/srv/observer", "web", facts, (WELL,))


def with_facts(host, **changes):
    return replace(host, facts=replace(host.facts, **changes))


def rules(host, registry):
    return {each.rule.id for each in judge_host(host, registry)}


def test_a_host_that_runs_the_newest_release_proven_breaks_no_rule(registry):
    assert rules(host_of(registry), registry) == set()
    newer = host_of(registry, image=str(registry.releases[1].digest))
    assert rules(newer, registry) == set()


CHANGES = {
    "a local image": (lambda r: host_of(r, image=f"sha256:{'9' * 64}"), {"CI301"}),
    "an old local image under the new name": (
        lambda r: host_of(r, image=str(r.releases[0].tree.images[0].config_digest)),
        {"CI302", "CI309"},
    ),
    "unhealthy": (lambda r: host_of(r, health="unhealthy"), {"CI303"}),
    "starting": (lambda r: host_of(r, health="starting"), {"CI303"}),
    "no health check": (lambda r: host_of(r, health="none"), {"CI306"}),
    "restarting": (lambda r: host_of(r, status="restarting"), {"CI308"}),
    "no container": (lambda r: with_facts(host_of(r), service=()), {"CI308"}),
    "never proven": (lambda r: with_facts(host_of(r), ledger=()), {"CI304"}),
    "another than was proven": (
        lambda r: with_facts(host_of(r), ledger=host_of(r, OLD).facts.ledger),
        {"CI304"},
    ),
    "interrupted": (
        lambda r: with_facts(host_of(r), journal={"state": "switching"}),
        {"CI305"},
    ),
    "at work": (
        lambda r: with_facts(host_of(r), journal={"state": "switching"}, holder="7 now x"),
        set(),
    ),
    "another compose file": (
        lambda r: with_facts(host_of(r), beside={"compose.yaml": OTHER}),
        {"CI307"},
    ),
    "a changed compose file": (
        lambda r: with_facts(host_of(r), kept={COMPOSE: OTHER}),
        {"CI307"},
    ),
    "the release before": (lambda r: host_of(r, OLD), {"CI309"}),
    "an older tag by name": (
        lambda r: with_facts(
            host_of(r, reference=f"{REPOSITORY}:{OLD}"),
            ledger=(replace(host_of(r).facts.ledger[0], reference=f"{REPOSITORY}:{OLD}"),),
        ),
        {"CI302"},
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_of_the_host_breaks_its_rule_and_no_other(registry, name):
    change, expected = CHANGES[name]
    assert rules(change(registry), registry) == expected


def test_without_the_registry_nothing_is_claimed_about_the_image(registry):
    host = host_of(registry, image=f"sha256:{'9' * 64}")
    assert rules(host, None) == set()


def test_a_local_image_follows_from_the_release_that_was_never_published(registry):
    assert roots(("CI101", "CI201", "CI301")) == {"CI101": ("CI201", "CI301")}


def test_everything_right_is_reported_as_done(registry):
    seen = Seen(
        repository_seen({RELEASE_PATH: RELEASE}, (OLD, NEW)), registry, host_of(registry), ()
    )
    audit = judge(QUESTION, seen)
    assert audit.findings == ()
    assert [step.state for step in audit.plan] == ["done"] * 6
    page = render_reports(audit)["report.html"]
    assert "2026-01-23T17:30:00 ok" in page
    assert "2026-01-23 17:20:00" in page


@pytest.mark.parametrize("text", ["", "null", "[]", '{"Log": 3}', '{"Log": [3, {}]}', "<html>"])
def test_a_log_of_health_checks_that_is_odd_is_none(text):
    assert [each for each in parse_samples(text) if each.is_well] == []


def test_docker_s_log_of_health_checks_is_read():
    text = (
        '{"Status":"unhealthy","FailingStreak":2,"Log":[{"Start":"2026-01-23T17:30:00.1+09:00",'
        '"End":"x","ExitCode":0,"Output":"ok\\n"},{"Start":"2026-01-23T17:30:30.1+09:00",'
        '"End":"x","ExitCode":1,"Output":"no database"}]}'
    )
    assert parse_samples(text) == (
        Sample("2026-01-23T17:30:00", is_well=True, output="ok"),
        Sample("2026-01-23T17:30:30", is_well=False, output="no database"),
    )
