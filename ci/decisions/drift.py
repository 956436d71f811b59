"""Drift: compose files on a server that no deploy put there as they are."""

import difflib
from dataclasses import dataclass

from ci.decisions.ledger import Entry
from ci.decisions.server_facts import Facts
from ci.oci.digest import Digest
from ci.oci.text import harmless
from ci.transaction_errors import ComposeDrifted

# What docker compose takes from a directory when it is told nothing.
COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_LONGEST_LINES = 200


@dataclass(frozen=True, slots=True)
class Drift:
    """A file that is not what it should be; `path` is relative to the stack's directory."""

    path: str
    why: str


def find_drift(facts: Facts, ours: Digest) -> list[Drift]:
    """List the compose files on the server that differ from what deploys put there.

    Args:
        ours: the compose file that is deployed now.
    """
    found = []
    last = facts.ledger[-1] if facts.ledger else None
    if last and facts.kept.get(last.compose, last.compose) != last.compose:
        why = f"was changed on the server since {last.tag} was deployed with it"
        found.append(Drift(kept_path(last.compose), why))
    known = {ours, *([last.compose] if last else [])}
    found += [
        Drift(name, "is not the one that deploys there")
        for name in COMPOSE_NAMES
        if name in facts.beside and facts.beside[name] not in known
    ]
    return found


def kept_path(compose: Digest) -> str:
    """Where the server keeps a compose file, relative to the stack's directory."""
    return f".ci/compose/{compose.hex}.yaml"


def can_return(entry: Entry, facts: Facts) -> bool:
    """Whether the server still has the compose file of a release, unchanged."""
    return facts.kept.get(entry.compose) == entry.compose


def render_diff(theirs: str, ours: str, drift: Drift, local: str) -> list[str]:
    """Show what would change, as lines that no log takes for a command."""
    lines = difflib.unified_diff(
        theirs.splitlines(),
        ours.splitlines(),
        f"server: {drift.path}",
        f"source: {local}",
        lineterm="",
    )
    shown = [harmless(line) for line in lines]
    more = len(shown) - _LONGEST_LINES
    return [*shown[:_LONGEST_LINES], *([f"and {more} lines more"] if more > 0 else [])]


def refuse_drift(found: list[Drift]) -> None:
    """Refuse to go on over files that somebody changed.

    Raises:
        ComposeDrifted: there are any.
    """
    if found:
        raise ComposeDrifted(
            "; ".join(f"{each.path} {each.why}" for each in found),
            remedy="take what the diff shows into the source, or overrule it: deploy --replace",
        )
