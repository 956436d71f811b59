"""What a compose file means for a deploy: what is started, what is refused and why."""

import dataclasses
import json

import pytest

from ci.decisions.compose import judge_stack, read_rendered
from ci.transaction_errors import (
    CandidateUnsafe,
    ComposeInvalid,
    ImageNotControlled,
    NoHealthSignal,
)
from tests.unit.test_deploy_decisions import DEPLOYMENT

REFERENCE = f"localhost:5000/acme/observer@sha256:{'a' * 64}"


def judge(services, **changes):
    deployment = dataclasses.replace(DEPLOYMENT, **changes)
    return judge_stack(services, deployment, REFERENCE, has_healthcheck=True)


def web(**keys):
    return {"web": {"image": REFERENCE, **keys}}


def test_what_is_not_composes_answer_is_refused():
    for raw in (b"", b"{", b"[]", b'{"services": []}', b'{"services": {"a": 1}}', b"[" * 100_000):
        with pytest.raises(ComposeInvalid):
            read_rendered(raw)
    assert read_rendered(json.dumps({"services": web()}).encode()) == web()


def test_dependencies_come_in_the_order_in_which_they_are_needed():
    services = {
        **web(depends_on={"cache": {"condition": "service_started"}, "store": {}}),
        "cache": {"depends_on": {"store": {"condition": "service_healthy"}}},
        "store": {"depends_on": {"disk": {}, "web": {}}},
        "disk": {},
        "other": {},
    }
    assert judge(services).dependencies == ("disk", "store", "cache")


def test_a_further_service_is_held_to_the_same_image():
    worker = {"image": REFERENCE, "ports": [{"published": "9"}], "depends_on": {"web": {}, "q": {}}}
    found = judge({**web(depends_on={"worker": {}}), "worker": worker, "q": {}}, also=("worker",))
    assert (found.dependencies, found.published) == (("q",), (9,))
    with pytest.raises(ImageNotControlled, match="worker"):
        judge({**web(), "worker": {"image": "app:latest"}}, also=("worker",))
    with pytest.raises(ComposeInvalid, match="worker"):
        judge(web(), also=("worker",))


def test_a_job_that_must_complete_first_is_refused():
    services = {
        **web(depends_on={"job": {"condition": "service_completed_successfully"}}),
        "job": {},
    }
    with pytest.raises(ComposeInvalid, match="job"):
        judge(services)


def test_published_ports_are_those_of_the_server():
    ports = [{"published": "8000"}, {"published": "8000"}, {"target": 9}, {"published": "1-9"}]
    assert judge(web(ports=ports)).published == (8000,)


@pytest.mark.parametrize("image", ["app:latest", "", f"{REFERENCE}0", None])
def test_an_image_that_the_deploy_does_not_control_is_refused(image):
    with pytest.raises(ImageNotControlled):
        judge({"web": {"image": image}})


def test_an_absent_service_and_several_containers_are_refused():
    with pytest.raises(ComposeInvalid, match="web"):
        judge({"api": {}})
    for keys in ({"scale": 2}, {"deploy": 3}):
        with pytest.raises(ComposeInvalid, match="containers"):
            judge(web(**keys))


UNSAFE = {
    "the server's network": {"network_mode": "host"},
    "another's network": {"network_mode": "service:store"},
    "a fixed address": {"networks": {"default": {"ipv4_address": "10.0.0.2"}}},
    "a fixed hardware address": {"mac_address": "02:42:ac:11:00:02"},
    "a device": {"devices": [{"source": "/dev/ttyUSB0"}]},
    "a folder that both write": {"volumes": [{"type": "bind", "source": "/srv/x", "target": "/x"}]},
    "a volume that both write": {"volumes": [{"type": "volume", "source": "up", "target": "/up"}]},
}
SAFE = {
    "a network": {"networks": {"default": None, "proxy": {"aliases": ["web"]}}},
    "a name of its own": {"container_name": "web"},
    "memory": {"volumes": [{"type": "tmpfs", "target": "/tmp"}]},
    "a volume without a name": {"volumes": [{"type": "volume", "target": "/data"}]},
    "what is only read": {"volumes": [{"type": "bind", "source": "/x", "read_only": True}]},
}


@pytest.mark.parametrize("keys", UNSAFE.values(), ids=UNSAFE.keys())
def test_what_cannot_run_twice_needs_candidate_off(keys):
    with pytest.raises(CandidateUnsafe) as caught:
        judge(web(**keys))
    assert 'candidate = "off"' in caught.value.remedy
    judge(web(**keys), has_candidate=False)


@pytest.mark.parametrize("keys", SAFE.values(), ids=SAFE.keys())
def test_what_can_run_twice_is_let_through(keys):
    judge(web(**keys))


FRONTED = {"networks": {"default": None, "front": None}}
UNFIT = {
    "ports of its own": {**FRONTED, "ports": [{"target": 8000, "published": "8000"}]},
    "a name of its own": {**FRONTED, "container_name": "web"},
    "not where the proxy looks": {"networks": {"default": None, "back": None}},
    "nowhere else": {"networks": {"front": None}},
    "the server's network": {"network_mode": "host"},
    "other names there": {"networks": {"default": None, "front": {"aliases": ["api"]}}},
    "a volume that both write": {**FRONTED, **UNSAFE["a volume that both write"]},
}


@pytest.mark.parametrize("keys", UNFIT.values(), ids=UNFIT.keys())
def test_what_a_proxy_cannot_be_led_away_from_is_refused_for_start_first(keys):
    with pytest.raises(CandidateUnsafe) as caught:
        judge(web(**keys), front="front")
    assert "leave out front" in caught.value.remedy


def test_start_first_takes_a_service_on_two_networks_that_may_run_twice():
    assert judge(web(**FRONTED), front="front").published == ()
    with pytest.raises(CandidateUnsafe, match="candidate"):
        judge(web(**FRONTED), front="front", has_candidate=False)


def test_a_volume_may_be_declared_shared():
    for shared in ("up", "/up"):
        judge(web(**UNSAFE["a volume that both write"]), shared=(shared,))


def test_without_any_signal_of_health_nothing_is_deployed():
    def signal(said, *, image, path=""):
        deployment = dataclasses.replace(DEPLOYMENT, path=path)
        services = web(healthcheck=said)
        return judge_stack(services, deployment, REFERENCE, has_healthcheck=image)

    signal(None, image=True)
    signal("given", image=False)
    signal("disabled", image=True, path="/health")
    for said, image in ((None, False), ("disabled", True)):
        with pytest.raises(NoHealthSignal):
            signal(said, image=image)
