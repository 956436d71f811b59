"""The stack behind a proxy: Caddy publishes, and finds the service by its name on a network."""

import dataclasses
from collections.abc import Sequence

from rehearsal.load import Answer
from tests.server.driver import Stack, Value

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


def networks(stack: Stack) -> list[set[str]]:
    """The networks of each container of the service."""
    prefix = f"{stack.project}_"
    found = [container["NetworkSettings"]["Networks"] for container in stack.service()]
    return [{name.removeprefix(prefix) for name in each} for each in found]


def tags(answers: Sequence[Answer]) -> set[str]:
    """Which releases answered `/version`."""
    return {each.body for each in answers if each.is_good}
