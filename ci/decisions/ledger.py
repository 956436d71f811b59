"""The ledger: one line for each release that was proven to run, the newest last."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ci.oci.digest import Digest
from ci.oci.text import shown
from ci.transaction_errors import NoRollbackTarget, WouldDowngrade

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_LINE = re.compile(
    rf"(?P<time>{_TIME}) (?P<id>{_NAME}) (?P<tag>{_NAME})"
    r" (?P<reference>[A-Za-z0-9._:/-]+@sha256:(?P<digest>[0-9a-f]{64}))"
    r" sha256:(?P<config>[0-9a-f]{64}) (?P<compose>[0-9a-f]{64})",
    re.ASCII,
)
_DEPLOY = "deploy a good release: ./daggerw call deploy --tag TAG"


@dataclass(frozen=True, slots=True)
class Entry:
    """A release that was proven to run on the server."""

    time: str
    id: str
    tag: str
    reference: str
    digest: Digest
    config: Digest
    compose: Digest


def parse_ledger(lines: Iterable[str]) -> tuple[Entry, ...]:
    """Read the ledger's lines; what is no entry is left out."""
    found = [_LINE.fullmatch(line.strip()) for line in lines]
    return tuple(
        Entry(
            each["time"],
            each["id"],
            each["tag"],
            each["reference"],
            Digest(each["digest"]),
            Digest(each["config"]),
            Digest(each["compose"]),
        )
        for each in found
        if each
    )


def running_entry(ledger: Sequence[Entry], reference: str) -> Entry | None:
    """Find the newest entry of what runs; None where that is of no entry."""
    return next((entry for entry in reversed(ledger) if entry.reference == reference), None)


def choose_rollback(ledger: Sequence[Entry], running: str, tag: str = "") -> Entry:
    """Choose the release to go back to.

    Args:
        running: the reference that the service runs; "" where none runs.
        tag: the release that the call names; "" for the last proven one before the running one.
    Raises:
        NoRollbackTarget: the ledger has none.
    """
    if tag:
        named = [entry for entry in ledger if entry.tag == tag]
        if not named:
            known = ", ".join(dict.fromkeys(entry.tag for entry in ledger)) or "nothing"
            raise NoRollbackTarget(
                f"{shown(tag)} was never proven on this server; the ledger has {known}",
                remedy="name one of these with --tag, or deploy it",
            )
        return named[-1]
    standing = _standing(ledger)
    if not standing:
        raise NoRollbackTarget("no release was ever proven on this server", remedy=_DEPLOY)
    if standing[-1].reference != (running or standing[-1].reference):
        # What runs there is nobody's release: the last proven one is the one before it.
        return standing[-1]
    if len(standing) == 1:
        raise NoRollbackTarget(
            f"{standing[-1].tag} has no proven release before it on this server",
            remedy="name an older one of the ledger with --tag, or " + _DEPLOY,
        )
    return standing[-2]


def _standing(ledger: Sequence[Entry]) -> list[Entry]:
    """Leave out what was gone back from: going back twice never returns to a bad release."""
    standing: list[Entry] = []
    for entry in ledger:
        references = [each.reference for each in standing]
        if entry.reference in references:
            del standing[references.index(entry.reference) :]
        standing.append(entry)
    return standing


def check_order(ledger: Sequence[Entry], running: str, tag: str) -> None:
    """Refuse a release that is older than the running one.

    Raises:
        WouldDowngrade: it is.
    """
    entry = running_entry(ledger, running) or (ledger[-1] if ledger else None)
    if entry and tag < entry.tag:
        raise WouldDowngrade(
            f"{tag} is older than {entry.tag}, which runs there since {entry.time}",
            remedy="go back with rollback, or say that you mean it: deploy --older",
        )
