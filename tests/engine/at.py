"""Where the cases run: all that differs from machine to machine and run to run."""

import os
import re
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
REHEARSAL_ENV = CHECKOUT / ".local" / "rehearsal" / "env"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BASE = "python:3.11-slim"
FROM_ENVIRONMENT = "CI_CONFORMANCE_SECRET"


class RegistriesMissing(LookupError):
    """No registries to run against: the rehearsal is not up."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A registry that asks for a name and a token."""

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
    """The base image, the registries, a scratch directory and a salt of this run.

    The base is named as Docker Hub names it, so every engine finds it: in its
    mirror or on the Hub. The salt makes a step new where a case is about steps
    that must really run.
    """

    session: Session
    registry: str
    guarded: Guarded
    scratch: Path
    salt: str
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
            self.registry: "<registry>",
            self.guarded.address: "<guarded>",
            self.salt: "<salt>",
        }
        for found, name in names.items():
            text = text.replace(found, name)
        return DIGEST.sub("sha256:<digest>", text)


def at_rehearsal(session: Session, scratch: Path) -> At:
    """An `At` on the registries of the rehearsal.

    Raises:
        RegistriesMissing: the rehearsal has not been set up.
    """
    found = {**read_rehearsal(), **os.environ}
    try:
        guarded = Guarded(
            address=found["REHEARSAL_REGISTRY"],
            user=found["REHEARSAL_USER"],
            token=Path(found["REHEARSAL_TOKEN_FILE"]).read_text().strip(),
        )
        mirror = found["REHEARSAL_MIRROR"]
    except KeyError as missing:
        raise RegistriesMissing(
            f"{missing} is not in {REHEARSAL_ENV}: run `make rehearsal`"
        ) from None
    return At(
        session=session,
        registry=mirror,
        guarded=guarded,
        scratch=scratch,
        salt=f"salt-{secrets.token_hex(6)}",
    )


def read_rehearsal() -> dict[str, str]:
    """The rehearsal's `NAME=value` lines, or nothing when it is not there."""
    if not REHEARSAL_ENV.exists():
        return {}
    words = shlex.split(REHEARSAL_ENV.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)
