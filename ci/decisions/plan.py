"""A plan: the words that the transaction on the server is started with (ci/server/README.md)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ci.decisions.placement import Deployment
from ci.oci.digest import Digest
from ci.oci.platform import Platform
from ci.oci.reference import Repository
from ci.oci.text import shown
from ci.transaction_errors import PlanInvalid

_KEY = re.compile(r"[a-z]+(?:-[a-z]+)*", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9._:/@][A-Za-z0-9._:/@-]*", re.ASCII)
_VERSION = "1"
_KIB = 1024
# A pull holds the compressed layers, and what they unpack to.
_ROOM = 3
_FOR_THIS_RUN = ("plan", "nonce", "action", "adopt", "downgrade", "accept-no-rollback", "candidate")
_LARGEST_BYTES = 1 << 16


class Action(StrEnum):
    """What a run does."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to run: a release as the registry holds it for the server's platform."""

    repository: Repository
    tag: str
    digest: Digest
    manifest: Digest
    config: Digest
    platform: Platform
    size_bytes: int

    @property
    def reference(self) -> str:
        """What is pulled and started."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Keys and words, in their order; a key may come several times."""

    words: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        """The word of a key; "" when there is none."""
        return next((word for name, word in self.words if name == key), "")

    def every(self, key: str) -> tuple[str, ...]:
        """All words of a key."""
        return tuple(word for name, word in self.words if name == key)

    def with_words(self, **words: str) -> Self:
        """Change keys, written with _ for -; "" removes one."""
        changes = {key.replace("_", "-"): word for key, word in words.items()}
        kept = [(key, word) for key, word in self.words if key not in changes]
        added = [(key, word) for key, word in changes.items() if word]
        return type(self)((*kept, *added))


def plan_recovery(nonce: str, directory: str) -> Plan:
    """Plan to settle what an earlier run left."""
    return Plan((*_head(nonce, Action.RECOVER), ("directory", directory)))


def plan_deploy(
    nonce: str,
    directory: str,
    target: Target,
    compose: Digest,
    deployment: Deployment,
) -> Plan:
    """Plan to bring a service to a release."""
    words = [
        *_head(nonce, Action.DEPLOY),
        ("directory", directory),
        ("project", deployment.project),
        ("service", deployment.service),
        *(("also", name) for name in deployment.also),
        ("repository", str(target.repository)),
        ("digest", str(target.digest)),
        ("manifest", str(target.manifest)),
        ("config", str(target.config)),
        ("tag", target.tag),
        ("compose", compose.hex),
        ("platform", f"{target.platform.os}/{target.platform.architecture}"),
        ("need-kib", str(_ROOM * target.size_bytes // _KIB)),
        *_judging(deployment),
    ]
    return Plan(tuple(words))


def plan_again(recorded: Plan, nonce: str, deployment: Deployment) -> Plan:
    """Plan to bring back a release by its own plan: what it was proven by then proves it now."""
    kept = [pair for pair in recorded.words if pair[0] not in _FOR_THIS_RUN]
    candidate = "on" if deployment.has_candidate else "off"
    return Plan((*_head(nonce, Action.ROLLBACK), *kept, ("candidate", candidate)))


def _head(nonce: str, action: Action) -> list[tuple[str, str]]:
    return [("plan", _VERSION), ("nonce", nonce), ("action", action.value)]


def _judging(deployment: Deployment) -> Iterator[tuple[str, str]]:
    if deployment.path:
        yield "health-path", deployment.path
    if deployment.version_path:
        yield "version-path", deployment.version_path
        yield "version-key", deployment.version_key
    if deployment.path or deployment.version_path:
        yield "port", str(deployment.port)
    yield "candidate", "on" if deployment.has_candidate else "off"
    if deployment.front:
        yield "front", deployment.front
    yield "window", str(deployment.window_s)
    yield "probes", str(deployment.probes)
    yield "timeout", str(deployment.timeout_s)
    yield "pull-timeout", str(deployment.pull_timeout_s)
    yield "hard", str(deployment.limit_s)
    yield "keep", str(deployment.keep)


def render_plan(plan: Plan) -> bytes:
    """Write a plan as the server reads it.

    Raises:
        PlanInvalid: a word that could be read as more than the word it is.
    """
    for key, word in plan.words:
        if not _KEY.fullmatch(key) or not _WORD.fullmatch(word):
            raise PlanInvalid(
                f"the plan's {key} cannot be {shown(word)}: letters, digits and ._:/@- only",
                remedy="mend the value where it was given: a flag, ci.toml or the compose file",
            )
    return (
        "".join(f"{key} {word}\n" for key, word in (*plan.words, ("end", "")))
        .replace("end \n", "end\n")
        .encode()
    )


def parse_plan(raw: bytes) -> Plan:
    """Read a plan that a server kept.

    Raises:
        PlanInvalid: it is cut short, or no plan.
    """
    lines = raw[:_LARGEST_BYTES].decode("ascii", "replace").split("\n")
    if lines[-2:] != ["end", ""]:
        raise _damaged("it is cut short")
    words = []
    for line in lines[:-2]:
        key, _, word = line.partition(" ")
        if not _KEY.fullmatch(key) or not _WORD.fullmatch(word):
            raise _damaged(f"the line {shown(line)}")
        words.append((key, word))
    return Plan(tuple(words))


def _damaged(what: str) -> PlanInvalid:
    return PlanInvalid(
        f"the plan that the server kept cannot be read: {what}",
        remedy="deploy that release again: ./daggerw call deploy --older --tag TAG",
    )
