"""What is written about a server: proofs, steps, and where registry, server and ledger stand."""

import dataclasses
import json

import pytest

from ci.decisions.compose import Stack
from ci.decisions.deploy_report import (
    Held,
    Intent,
    Proven,
    Standing,
    render_proof,
    render_recovered,
    render_standing,
    render_steps,
)
from ci.decisions.host import HostAddress
from ci.decisions.placement import Server
from ci.decisions.plan import plan_deploy
from ci.decisions.proof import judge_containers
from ci.decisions.report import Format
from ci.decisions.standing import judge_standing
from tests.unit.test_deploy_decisions import COMPOSE, DEPLOYMENT, INDEX, NONCE, TARGET, facts
from tests.unit.test_deploy_decisions import running as container

SERVER = Server("production", HostAddress("server.example", 22, "deploy", "/srv/a"), "known_hosts")
LEDGER = (
    f"ledger 2026-01-23T00:00:00Z run-1 {TARGET.tag} {TARGET.reference}"
    f" {TARGET.config} {COMPOSE.hex}"
)
RUNNING = (LEDGER, "journal state settled", "platform linux/amd64", container())
AGREE = Held(TARGET.tag, str(INDEX))


def proven(**changes):
    proof = judge_containers(facts(*RUNNING).service, "web", TARGET)
    return dataclasses.replace(Proven(SERVER, "web", TARGET, proof, "20260122-000000"), **changes)


def test_a_proof_names_every_digest_and_ends_with_the_reference():
    text = render_proof(proven(), Format.TABLE)
    assert text.splitlines()[-1] == TARGET.reference
    for digest in (TARGET.digest, TARGET.manifest, TARGET.config):
        assert str(digest)[:19] in text
    assert "20260122-000000" in text
    assert "worker" in render_proof(proven(also=(("worker", proven().proof),)), Format.TABLE)


def test_a_proof_as_json_is_whole():
    told = json.loads(render_proof(proven(is_same_container=True), Format.JSON))
    assert told["digest"] == str(TARGET.digest)
    assert told["image"] == str(TARGET.config)
    assert (told["image_is"], told["same_container"]) == ("config", True)


def test_the_steps_of_a_plan_say_what_would_be_done():
    plan = plan_deploy(NONCE, "/srv/a", TARGET, COMPOSE, DEPLOYMENT)
    seen = facts("journal state switching", "platform linux/amd64")
    intent = Intent(SERVER, DEPLOYMENT, TARGET, Stack(("store",), (8000,)), seen, plan)
    text = render_steps(intent, Format.TABLE)
    for part in ('the run that ended at "switching"', "store", "8000", "nothing", "/health"):
        assert part in text
    told = json.loads(render_steps(intent, Format.JSON))
    assert ["candidate", "on"] in told["plan"]
    assert NONCE not in render_steps(intent, Format.JSON)
    fronted = dataclasses.replace(intent, deployment=dataclasses.replace(DEPLOYMENT, front="edge"))
    assert "with both on edge" in render_steps(fronted, Format.TABLE)


@pytest.mark.parametrize("front", ["", "edge"])
@pytest.mark.parametrize("is_same", [False, True])
def test_proof_and_plan_fit_eighty_columns(front, is_same):
    deployment = dataclasses.replace(DEPLOYMENT, front=front)
    plan = plan_deploy(NONCE, "/srv/a", TARGET, COMPOSE, deployment)
    seen = facts(*RUNNING)
    intent = Intent(SERVER, deployment, TARGET, Stack(("store",), (8000,)), seen, plan)
    proof = render_proof(proven(is_same_container=is_same), Format.TABLE)
    for text in (proof, render_steps(intent, Format.TABLE)):
        # The reference is there to be copied, whole.
        assert max(len(line) for line in text.splitlines() if "@sha256" not in line) <= 80


def test_a_recovery_shows_what_was_proven_or_that_nothing_was():
    seen = facts(*RUNNING)
    assert TARGET.tag in render_recovered(SERVER, seen, "1" * 64, Format.TABLE)
    assert "nothing" in render_recovered(SERVER, facts(), "", Format.TABLE)
    assert json.loads(render_recovered(SERVER, facts(), "", Format.JSON))["reference"] is None


VERDICTS = {
    "not known": (None, AGREE),
    "agree": (facts(*RUNNING), AGREE),
    "the newest release is": (facts(*RUNNING), Held("20260124-000000", str(INDEX))),
    "the registry holds": (facts(*RUNNING), Held(TARGET.tag, str(COMPOSE))),
    "shows no release": (facts(*RUNNING), None),
    "at work": (facts(*RUNNING, "holder 2026 run-2 deploy"), AGREE),
    "interrupted": (facts(LEDGER, "journal state switching", container()), AGREE),
    "should run": (facts(LEDGER, "journal state settled"), AGREE),
    "no release runs there; deploy one": (facts(), AGREE),
    "was not deployed from here": (facts(LEDGER, container(reference="nginx:latest")), AGREE),
    "cannot be judged": (facts("seen DockerDown: no", "remedy start"), AGREE),
}


@pytest.mark.parametrize(("words", "seen"), VERDICTS.items(), ids=VERDICTS.keys())
def test_the_verdict_is_about_what_could_be_seen(words, seen):
    verdict = judge_standing(*seen)
    assert words in verdict
    standing = Standing(SERVER, seen[0], "", seen[1], "", verdict)
    assert render_standing(standing, Format.TABLE).splitlines()[-1] == verdict
    assert json.loads(render_standing(standing, Format.JSON))["verdict"] == verdict


def test_what_could_not_be_reached_stands_in_its_place():
    standing = Standing(SERVER, None, "SshUnreachable: no", None, "RegistryUnavailable: no", "?")
    text = render_standing(standing, Format.TABLE)
    assert "SshUnreachable" in text
    assert "RegistryUnavailable" in text
