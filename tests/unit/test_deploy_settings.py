"""[deploy] and [hosts.NAME] of ci.toml."""

from pathlib import Path

import pytest

from ci.decisions.host import HostAddress
from ci.decisions.placement import choose_server, need_deployment
from ci.errors import SettingsInvalid
from ci.settings import parse_settings

ROOT = Path(__file__).parents[2]
IMAGE = 'image = "ghcr.io/acme/observer"\n'
HOST = '[hosts.{}]\naddress = "{}"\nuser = "deploy"\ndirectory = "/srv/observer"\n'


def test_this_repositorys_own_file_says_what_is_deployed_and_where():
    found = parse_settings((ROOT / "ci.toml").read_text())
    deployment = need_deployment(found.deploy)
    assert (ROOT / deployment.compose).is_file()
    assert (deployment.project, deployment.service) == ("observer", "observer")
    server = choose_server(found.hosts, "")
    assert (server.address.port, server.address.directory) == (22, "/home/deploy/observer")


def test_a_repository_without_a_server_is_none_the_worse():
    found = parse_settings(IMAGE)
    assert (found.deploy, found.hosts) == (None, {})
    with pytest.raises(SettingsInvalid, match="no \\[deploy\\]"):
        need_deployment(found.deploy)


def test_project_and_service_are_enough():
    text = f'{IMAGE}[check]\npath="/up"\nport=9000\n[deploy]\nproject="a"\nservice="web"\n'
    found = need_deployment(parse_settings(text).deploy)
    assert (found.compose, found.path, found.port) == ("compose.yaml", "/up", 9000)
    assert (found.has_candidate, found.window_s, found.keep) == (True, 10, 3)
    assert (found.version_path, found.front) == ("", "")


def test_a_network_of_a_proxy_asks_for_start_first():
    text = f'{IMAGE}[deploy]\nproject="a"\nservice="web"\nfront="{{}}"\n'
    assert need_deployment(parse_settings(text.format("edge")).deploy).front == "edge"
    with pytest.raises(SettingsInvalid, match=r"deploy\.front"):
        parse_settings(text.format("-x"))


def test_health_may_be_left_to_docker():
    text = f'{IMAGE}[deploy]\nproject="a"\nservice="web"\npath=""\n'
    assert need_deployment(parse_settings(text).deploy).path == ""


def test_a_jump_host_is_an_account_of_its_own():
    text = f'{IMAGE}{HOST.format("a", "10.0.0.7")}jump = "jump@[fd00::1]:2222"\n'
    server = parse_settings(text).hosts["a"]
    assert server.jump == HostAddress("fd00::1", 2222, "jump")
    assert parse_settings(IMAGE + HOST.format("a", "10.0.0.7")).hosts["a"].jump is None


def test_every_fault_is_told_at_once_with_its_key():
    text = f"""{IMAGE}
[deploy]
project = "Acme!"
compose = "../x.yaml"
candidate = "maybe"
window_s = 0
timeout_s = 1.5
path = "/$(id)"
colour = "red"
[hosts.a]
address = "-oProxyCommand=id"
user = "-root"
directory = "srv"
jump = "-oProxyCommand=id"
[hosts.b]
address = "deploy@server:22"
user = "deploy"
directory = "/srv/../etc"
"""
    with pytest.raises(SettingsInvalid) as caught:
        parse_settings(text)
    for key in (
        "deploy.project:",
        "deploy.service: is missing",
        "deploy.compose:",
        "deploy.candidate:",
        "deploy.window_s:",
        "deploy.timeout_s:",
        "deploy.path:",
        "deploy.'colour': unknown",
        "hosts.a.address:",
        "hosts.a.user:",
        "hosts.a.directory:",
        "hosts.a.jump:",
        "hosts.b.address: names a user or port",
        "hosts.b.directory:",
    ):
        assert key in caught.value.cause, key


def test_the_only_host_needs_no_name_and_several_do():
    one = parse_settings(IMAGE + HOST.format("a", "a.example")).hosts
    two = parse_settings(
        IMAGE + HOST.format("a", "a.example") + HOST.format("b", "b.example")
    ).hosts
    assert choose_server(one, "").address.host == "a.example"
    assert choose_server(two, "b").address.host == "b.example"
    for hosts, name in ((two, ""), (one, "c"), ({}, "")):
        with pytest.raises(SettingsInvalid, match="there is"):
            choose_server(hosts, name)
