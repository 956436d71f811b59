"""Plans, ledgers, drift and proofs: everything of a deploy that needs no server."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.decisions.drift import find_drift, refuse_drift, render_diff
from ci.decisions.ledger import check_order, choose_rollback, parse_ledger
from ci.decisions.placement import Deployment
from ci.decisions.plan import (
    Plan,
    Target,
    parse_plan,
    plan_again,
    plan_deploy,
    plan_recovery,
    render_plan,
)
from ci.decisions.proof import judge_containers
from ci.decisions.server_facts import parse_facts
from ci.oci.digest import Digest
from ci.oci.platform import parse_platform
from ci.oci.reference import parse_repository
from ci.transaction_errors import (
    ComposeDrifted,
    NoRollbackTarget,
    PlanInvalid,
    ProofFailed,
    ProofLost,
    TranscriptInvalid,
    WouldDowngrade,
)

NONCE = "0123456789abcdef" * 2
INDEX, MANIFEST, CONFIG, COMPOSE = (Digest(letter * 64) for letter in "abcd")
TARGET = Target(
    parse_repository("localhost:5000/acme/observer"),
    "20260123-170510",
    INDEX,
    MANIFEST,
    CONFIG,
    parse_platform("linux/amd64"),
    10 << 20,
)
DEPLOYMENT = Deployment(
    compose="compose.yaml",
    project="observer",
    service="web",
    path="/health",
    port=8000,
    version_path="/version",
    version_key="tag",
    has_candidate=True,
    window_s=10,
    probes=3,
    timeout_s=120,
    pull_timeout_s=300,
    limit_s=900,
    keep=3,
    shared=(),
)


def test_a_plan_is_lines_of_key_and_word_and_ends_with_end():
    plan = plan_deploy(NONCE, "/srv/observer", TARGET, COMPOSE, DEPLOYMENT)
    text = render_plan(plan).decode()
    assert text.startswith(f"plan 1\nnonce {NONCE}\naction deploy\ndirectory /srv/observer\n")
    assert text.endswith("\nend\n")
    for line in (
        f"digest {INDEX}",
        f"manifest {MANIFEST}",
        f"compose {COMPOSE.hex}",
        "candidate on",
        "need-kib 30720",
        "platform linux/amd64",
    ):
        assert f"\n{line}\n" in text
    assert parse_plan(text.encode()) == plan


def test_what_is_not_asked_for_is_not_in_the_plan():
    plain = dataclasses.replace(DEPLOYMENT, path="", version_path="", has_candidate=False)
    plan = plan_deploy(NONCE, "/srv/observer", TARGET, COMPOSE, plain)
    assert not {"health-path", "version-path", "version-key", "port"} & {k for k, _ in plan.words}
    assert plan.get("candidate") == "off"


def test_a_rollback_keeps_the_proxys_network_of_the_release_that_it_brings_back():
    fronted = dataclasses.replace(DEPLOYMENT, front="edge")
    plan = plan_deploy(NONCE, "/srv/observer", TARGET, COMPOSE, fronted)
    assert plan.get("front") == "edge"
    assert plan_again(plan, NONCE, DEPLOYMENT).get("front") == "edge"


BAD_WORDS = {
    "a second line": "a\nend",
    "shell": "$(id)",
    "an option": "-v",
    "empty": "",
    "space": "a b",
    "another alphabet": "\u0662",
}


@pytest.mark.parametrize("word", BAD_WORDS.values(), ids=BAD_WORDS.keys())
def test_a_word_that_could_mean_more_is_refused(word):
    with pytest.raises(PlanInvalid):
        render_plan(Plan((("project", word),)))


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5))
def test_whatever_is_rendered_is_read_back_the_same(words):
    plan = Plan(tuple(words))
    try:
        raw = render_plan(plan)
    except PlanInvalid:
        return
    assert parse_plan(raw) == plan


@given(st.binary(max_size=200))
def test_a_damaged_plan_is_read_or_refused(raw):
    with contextlib.suppress(PlanInvalid):
        assert render_plan(parse_plan(raw)) == raw


def test_a_release_is_brought_back_by_its_own_plan():
    recorded = plan_deploy(NONCE, "/srv/a", TARGET, COMPOSE, DEPLOYMENT).with_words(adopt="yes")
    again = plan_again(recorded, "f" * 32, DEPLOYMENT)
    assert (again.get("action"), again.get("nonce"), again.get("adopt")) == (
        "rollback",
        "f" * 32,
        "",
    )
    assert again.get("compose") == COMPOSE.hex
    assert plan_recovery(NONCE, "/srv/a").get("action") == "recover"


def line(number, letter, *, tag=""):
    tag = tag or f"2026012{number}-000000"
    reference = f"localhost:5000/acme/observer@sha256:{letter * 64}"
    return (
        f"2026-01-2{number}T00:00:00Z run-{number} {tag} {reference} {CONFIG} {COMPOSE.hex}",
        reference,
    )


def test_damaged_lines_of_a_ledger_are_left_out():
    good, _ = line(1, "a")
    found = parse_ledger(["", "x" * 10_000, good[:-1], good, good + " more"])
    assert [entry.tag for entry in found] == ["20260121-000000"]


def test_rollback_goes_to_the_last_proven_release_before_the_running_one():
    texts, references = zip(*(line(n, x) for n, x in ((1, "a"), (2, "b"))), strict=True)
    ledger = parse_ledger(texts)
    assert choose_rollback(ledger, references[1]).reference == references[0]
    assert choose_rollback(ledger, "").reference == references[0]
    assert choose_rollback(ledger, "somebody/elses:image").reference == references[1]
    assert choose_rollback(ledger, references[1], "20260121-000000").reference == references[0]


def test_going_back_twice_never_returns_to_what_was_left():
    a, b, c = (line(n, x) for n, x in ((1, "a"), (2, "b"), (3, "c")))
    ledger = parse_ledger([a[0], b[0], c[0], b[0]])
    assert choose_rollback(ledger, b[1]).reference == a[1]
    # The same release deployed again is no release before itself.
    assert choose_rollback(parse_ledger([a[0], b[0], b[0]]), b[1]).reference == a[1]


@pytest.mark.parametrize(("count", "tag"), [(0, ""), (1, ""), (2, "20200101-000000")])
def test_where_there_is_nothing_to_go_back_to_it_is_said(count, tag):
    texts, references = zip(*(line(n, x) for n, x in ((1, "a"), (2, "b"))), strict=True)
    with pytest.raises(NoRollbackTarget):
        choose_rollback(parse_ledger(texts[:count]), references[max(0, count - 1)], tag)


def test_an_older_release_than_the_running_one_is_refused():
    text, reference = line(2, "b")
    ledger = parse_ledger([text])
    check_order(ledger, reference, "20260122-000000")
    check_order(ledger, reference, "20260123-000000")
    check_order((), "", "20200101-000000")
    with pytest.raises(WouldDowngrade, match="20260122-000000"):
        check_order(ledger, reference, "20260121-000000")


def facts(*lines):
    return parse_facts([*lines, "facts end"])


def running(image=CONFIG, *, status="running", reference=TARGET.reference, manifest=""):
    return (
        f"service {'1' * 64} {image} {status} healthy 2026-01-23T00:00:00Z {reference} {manifest}"
    )


def test_facts_cut_short_are_no_facts():
    with pytest.raises(TranscriptInvalid):
        parse_facts(["platform linux/amd64"])
    with pytest.raises(TranscriptInvalid):
        parse_facts([])


def test_a_server_without_docker_still_shows_its_ledger():
    text, _ = line(1, "a")
    found = facts(f"ledger {text}", "journal state settled", "seen DockerDown: no", "remedy start")
    assert (found.platform, found.trouble) == (None, ("DockerDown", "no", "start"))
    assert [entry.id for entry in found.ledger] == ["run-1"]
    assert found.is_settled


@pytest.mark.parametrize(
    ("image", "known_as"), [(CONFIG, "config"), (MANIFEST, "manifest"), (INDEX, "index")]
)
def test_each_image_store_names_the_image_in_its_way(image, known_as):
    proof = judge_containers(facts(running(image)).service, "web", TARGET)
    assert proof.known_as == known_as
    same = running(image, manifest=str(MANIFEST))
    assert judge_containers(facts(same).service, "web", TARGET).known_as == known_as


FALSE_PROOFS = {
    "another image": running(COMPOSE),
    "a tag instead of the digest": running(reference="localhost:5000/acme/observer:latest"),
    "made from another manifest": running(INDEX, manifest=str(CONFIG)),
    "not running": running(status="restarting"),
}


@pytest.mark.parametrize("text", FALSE_PROOFS.values(), ids=FALSE_PROOFS.keys())
def test_what_runs_something_else_is_no_proof(text):
    with pytest.raises(ProofFailed):
        judge_containers(facts(text).service, "web", TARGET)


def test_no_container_or_two_are_no_proof():
    for lines in ((), (running(), running())):
        with pytest.raises(ProofLost):
            judge_containers(facts(*lines).service, "web", TARGET)


def test_files_that_deploys_put_there_are_no_drift():
    text, _ = line(1, "a")
    other = Digest("e" * 64)
    kept = f"kept {COMPOSE.hex} {COMPOSE.hex}"
    assert find_drift(facts(), other) == []
    assert find_drift(facts(f"ledger {text}", kept), other) == []
    assert find_drift(facts(f"beside {other.hex} compose.yaml"), other) == []
    assert find_drift(facts(f"ledger {text}", f"beside {COMPOSE.hex} compose.yml"), other) == []


def test_what_somebody_changed_is_drift_and_refused():
    text, _ = line(1, "a")
    changed = find_drift(facts(f"ledger {text}", f"kept {COMPOSE.hex} {'9' * 64}"), COMPOSE)
    beside = find_drift(facts(f"beside {'9' * 64} docker-compose.yml"), COMPOSE)
    assert [each.path for each in changed + beside] == [
        f".ci/compose/{COMPOSE.hex}.yaml",
        "docker-compose.yml",
    ]
    with pytest.raises(ComposeDrifted):
        refuse_drift(beside)
    diff = render_diff("a\n::error::b\n", "a\nc\n", beside[0], "compose.yaml")
    assert diff[:2] == ["--- server: docker-compose.yml", "+++ source: compose.yaml"]
    assert not any("::" in each for each in diff)
