"""Where the cases run: all that differs from machine to machine and run to run."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BASE = "python:3.11-slim"
FROM_ENVIRONMENT = "CI_CONFORMANCE_SECRET"


def new_salt() -> str:
    """A word that no run of the suite had before."""
    return f"salt-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry to publish to, and a token that may."""

    address: str
    user: str
    token: str


@dataclass(frozen=True, slots=True)
class Session:
    """An engine's session as its clients find it."""

    port: int
    token: str


@dataclass(frozen=True, slots=True)
class At:
    """The session, the registries, a scratch directory and a salt of this run.

    The base is named as Docker Hub names it, so every engine finds it: in its
    mirror or on the Hub. The salt makes a step new where a case is about steps
    that must really run.
    """

    session: Session
    mirror: str
    registry: Registry
    scratch: Path
    salt: str = field(default_factory=new_salt)
    base: str = BASE

    def normal(self, value: object) -> object:
        """`value` without this machine and this run in it, as JSON holds it."""
        if isinstance(value, str):
            return self._normal_text(value)
        if isinstance(value, list | tuple):
            return [self.normal(item) for item in value]
        if isinstance(value, dict):
            return {key: self.normal(item) for key, item in value.items()}
        return value

    def _normal_text(self, text: str) -> str:
        names = {
            str(self.scratch): "<scratch>",
            self.mirror: "<mirror>",
            self.registry.address: "<registry>",
            self.salt: "<salt>",
        }
        for found, name in names.items():
            text = text.replace(found, name)
        return DIGEST.sub("sha256:<digest>", text)
