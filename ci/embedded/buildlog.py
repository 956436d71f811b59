"""BuildKit's progress, as the Docker API sends it: protobuf messages in base64.

Source: moby/buildkit api/services/control/control.proto, StatusResponse.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

VERTEXES, LOGS = 1, 3  # of StatusResponse
VERTEX_DIGEST, VERTEX_NAME, VERTEX_ERROR = 1, 3, 7
LOG_VERTEX, LOG_STREAM, LOG_DATA = 1, 3, 4
STDERR = 2


@dataclass
class Step:
    """One step of a build and what it wrote."""

    name: str = ""
    error: str = ""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)


@dataclass
class BuildLog:
    """All steps, by the digest that BuildKit gives them."""

    steps: dict[str, Step] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> list[str]:
        """Read one event; returns the lines of output that it brought."""
        if event.get("id") != "moby.buildkit.trace":
            return []
        lines = []
        for number, message in _fields(base64.b64decode(event["aux"])):
            if number == VERTEXES:
                self._vertex(dict(_fields(message)))
            elif number == LOGS:
                lines += self._log(dict(_fields(message)))
        return lines

    def failed(self) -> Step:
        """The step that failed, or an empty one."""
        return next((step for step in self.steps.values() if step.error), Step())

    def _vertex(self, fields: dict[int, Any]) -> None:
        step = self.steps.setdefault(_text(fields[VERTEX_DIGEST]), Step())
        step.name = _text(fields.get(VERTEX_NAME, b""))
        step.error = _text(fields.get(VERTEX_ERROR, b""))

    def _log(self, fields: dict[int, Any]) -> list[str]:
        step = self.steps.setdefault(_text(fields[LOG_VERTEX]), Step())
        stream = step.stderr if fields.get(LOG_STREAM) == STDERR else step.stdout
        stream += fields.get(LOG_DATA, b"")
        return _text(fields.get(LOG_DATA, b"")).splitlines()


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Number and value of each field of a protobuf message: bytes, or an integer."""
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(raw, position)
            yield tag >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            length, position = _varint(raw, position)
        yield tag >> 3, raw[position : position + length]
        position += length


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position
