"""The stack behind a proxy: Caddy publishes, and finds the service by its name on a network."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence

from rehearsal.load import Answer
from tests.clients import Credentials
from tests.server.conftest import fresh_stack
from tests.server.driver import Stack, Value
from tests.server.images import Image
from tests.server.interruption import is_clean
from tests.server.observer import running, version

Images = Callable[[str], Image]

COMPOSE = """
services:
  web:
    image: ${IMAGE:?}
    restart: unless-stopped
    environment: {GREETING: "${GREETING:?}"}
    networks: [default, front]
    depends_on: [store, proxy]
    stop_grace_period: 2s
  store:
    image: python:3.11-slim
    command: ["sleep", "infinity"]
    init: true
  proxy:
    image: caddy:2
    command: ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]
    restart: unless-stopped
    ports: ["${PORT:?}:80"]
    networks: [front]
    configs: [{source: caddyfile, target: /etc/caddy/Caddyfile}]
networks:
  front: {}
configs:
  caddyfile:
    content: |
      {
        admin off
        auto_https off
      }
      :80 {
        reverse_proxy {
          dynamic a web 8000 {
            refresh 1s
          }
          lb_try_duration 10s
          lb_try_interval 50ms
          transport http {
            dial_timeout 1s
            keepalive off
          }
        }
      }
"""
FRONT: dict[str, Value] = {"front": "front", "published": "", "dependency": ("store", "proxy")}
QUICK: dict[str, Value] = {**FRONT, "window": 1, "probes": 1}


def behind_a_proxy(stack: Stack) -> Stack:
    """The same directory with the compose file of this module."""
    return dataclasses.replace(stack, compose=COMPOSE)


@contextlib.contextmanager
def fronted(
    server: dict[str, str], credentials: Credentials, image: Images, shell: str = "dash"
) -> Iterator[Stack]:
    """Such a stack on which the good image runs."""
    with contextlib.contextmanager(fresh_stack)(server, credentials, shell) as plain:
        stack = behind_a_proxy(plain)
        done = stack.deploy(image("good"), **QUICK)
        assert (done.exit_code, done.code) == (0, "Done"), done.text
        yield stack


def released(stack: Stack, image: Images) -> Image:
    """Which of the two good images runs there."""
    reference, _ = running(stack)
    return next(each for each in map(image, ("good", "second")) if each.reference == reference)


def stands_alone(stack: Stack, image: Image) -> None:
    """One container is left, of this image, and the proxy leads to it."""
    is_clean(stack)
    assert running(stack) == (image.reference, image.config)
    assert networks(stack) == [{"default", "front"}]
    assert version(stack) == image.tag


def networks(stack: Stack) -> list[set[str]]:
    """The networks of each container of the service."""
    prefix = f"{stack.project}_"
    found = [container["NetworkSettings"]["Networks"] for container in stack.service()]
    return [{name.removeprefix(prefix) for name in each} for each in found]


def tags(answers: Sequence[Answer]) -> set[str]:
    """Which releases answered `/version`."""
    return {each.body for each in answers if each.is_good}
