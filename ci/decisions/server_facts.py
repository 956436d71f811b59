"""What a server shows of itself before a deploy: lines of a kind, one space and a text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ci.decisions.ledger import Entry, parse_ledger
from ci.errors import PipelineError
from ci.oci.digest import Digest
from ci.oci.platform import Platform, parse_platform
from ci.oci.text import shown
from ci.transaction_errors import TranscriptInvalid


@dataclass(frozen=True, slots=True)
class Running:
    """A container of the service, as the server's Docker shows it.

    `manifest` is what it was made from; "" where that Docker does not say.
    """

    id: str
    image: str
    status: str
    health: str
    started: str
    reference: str
    manifest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at a server.

    Attributes:
        platform: None where Docker does not answer; `trouble` says why.
        journal: key and word of the last run's journal; empty before the first.
        holder: who is at work; "" for nobody.
        kept: the digests that the kept compose files really have, by the digest in their name.
        beside: the digests of compose files that lie in the directory, by their name.
        also: containers of further services of the same image, each with its service.
        images: the digests of the ledger whose images are on the server.
        containers: name, state and status of every container of the project.
    """

    platform: Platform | None
    trouble: tuple[str, str, str] | None
    journal: Mapping[str, str]
    ledger: tuple[Entry, ...]
    holder: str
    service: tuple[Running, ...]
    kept: Mapping[Digest, Digest]
    beside: Mapping[str, Digest]
    containers: tuple[str, ...]
    images: frozenset[str]
    also: tuple[tuple[str, Running], ...] = ()

    @property
    def running(self) -> str:
        """The reference that the service runs; "" where none or several do."""
        running = [each for each in self.service if each.status == "running"]
        return running[0].reference if len(running) == 1 else ""

    @property
    def is_settled(self) -> bool:
        """Whether the last run came to its end."""
        return self.journal.get("state", "settled") == "settled"


def parse_facts(lines: list[str]) -> Facts:
    """Read what the transaction's verb `facts` printed.

    Raises:
        TranscriptInvalid: it did not come to its end.
    """
    if not lines or lines[-1] != "facts end":
        raise TranscriptInvalid(
            f"the server's facts are cut short after {shown(lines[-1] if lines else '')}",
            remedy="run the same again",
        )
    found: dict[str, list[str]] = {}
    for line in lines:
        kind, _, text = line.partition(" ")
        found.setdefault(kind, []).append(text)
    return Facts(
        platform=_platform(found.get("platform", [])),
        trouble=trouble_in(lines),
        journal=dict(_pair(text) for text in found.get("journal", [])),
        ledger=parse_ledger(found.get("ledger", [])),
        holder=" ".join(found.get("holder", [])),
        service=tuple(filter(None, map(_running, found.get("service", [])))),
        kept={Digest(name): Digest(real) for name, real in map(_pair, found.get("kept", []))},
        beside={name: Digest(real) for real, name in map(_pair, found.get("beside", []))},
        containers=tuple(found.get("container", [])),
        images=frozenset(found.get("image", [])),
        also=tuple(_also(found.get("also", []))),
    )


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition(" ")
    return first, second


def _platform(texts: list[str]) -> Platform | None:
    try:
        return parse_platform(texts[0]) if texts else None
    except PipelineError:
        return None


def trouble_in(lines: list[str]) -> tuple[str, str, str] | None:
    """What kept the server from answering: code, what was seen, what to do."""
    told = dict(_pair(line) for line in lines)
    if "seen" not in told:
        return None
    code, _, seen = told["seen"].partition(": ")
    return code, seen, told.get("remedy", "")


def _also(texts: list[str]) -> Iterator[tuple[str, Running]]:
    for name, rest in map(_pair, texts):
        if running := _running(rest):
            yield name, running


def _running(text: str) -> Running | None:
    words = text.split(" ")
    return Running(*words) if len(words) == len(Running.__dataclass_fields__) else None
