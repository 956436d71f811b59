"""What a caller gets back of a server: the proof, a plan's steps, or where everything stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from ci.decisions.compose import Stack
from ci.decisions.ledger import Entry, running_entry
from ci.decisions.placement import Deployment, Server
from ci.decisions.plan import Plan, Target
from ci.decisions.proof import Proof
from ci.decisions.render import render_json, render_size, render_table
from ci.decisions.report import Format, short
from ci.decisions.server_facts import Facts
from ci.oci.text import harmless

_ID = 12


@dataclass(frozen=True, slots=True)
class Proven:
    """A release that runs, and what was seen of it."""

    server: Server
    service: str
    target: Target
    proof: Proof
    before: str
    is_same_container: bool = False
    also: tuple[tuple[str, Proof], ...] = ()


def render_proof(proven: Proven, form: Format) -> str:
    """Write the proof, one line for each thing that was looked at."""
    target, seen = proven.target, proven.proof.container
    if form is Format.JSON:
        return render_json(_proof_document(proven))
    health = {"none": "Docker has no check"}.get(seen.health, f"Docker says {seen.health}")
    kept = ", not replaced" if proven.is_same_container else ""
    rows = [
        ["WHAT", "DIGEST", "SEEN"],
        [target.tag, short(target.digest), "in the registry, whole"],
        [str(target.platform), short(target.manifest), "manifest of the server's platform"],
        ["config", short(target.config), "of that manifest"],
        [proven.service, f"{seen.image[:19]}…", f"{seen.status}, {health}"],
        ["since", "", f"{seen.started[:19]}Z{kept}"],
        ["image", "", f"is that {proven.proof.known_as}, container {seen.id[:_ID]}"],
        *(_also_row(name, proof) for name, proof in proven.also),
        ["server", "", f"{proven.server.name}, {proven.server.address}"],
        ["before", "", proven.before or "nothing"],
    ]
    return f"{render_table(rows)}\n\n{target.reference}"


def _also_row(name: str, proof: Proof) -> list[str]:
    seen = proof.container
    text = f"{seen.status}, the same image, container {seen.id[:_ID]}"
    return [name, f"{seen.image[:19]}…", text]


def _proof_document(proven: Proven) -> dict[str, object]:
    target, seen = proven.target, proven.proof.container
    return {
        "server": proven.server.name,
        "address": str(proven.server.address),
        "service": proven.service,
        "reference": target.reference,
        "tag": target.tag,
        "digest": str(target.digest),
        "platform": str(target.platform),
        "manifest": str(target.manifest),
        "config": str(target.config),
        "container": seen.id,
        "image": seen.image,
        "image_is": proven.proof.known_as,
        "started": seen.started,
        "health": seen.health,
        "same_container": proven.is_same_container,
        "also": {name: proof.container.id for name, proof in proven.also},
        "before": proven.before,
    }


@dataclass(frozen=True, slots=True)
class Intent:
    """What a deploy would do."""

    server: Server
    deployment: Deployment
    target: Target
    stack: Stack
    facts: Facts
    plan: Plan


def render_steps(intent: Intent, form: Format) -> str:
    """Write what would be done, step by step; nothing of it was begun."""
    steps = _steps(intent)
    if form is Format.JSON:
        words = [[key, word] for key, word in intent.plan.words if key != "nonce"]
        return render_json(
            {
                "server": intent.server.name,
                "reference": intent.target.reference,
                "steps": [{"step": name, "does": text} for name, text in steps],
                "plan": words,
            }
        )
    head = f"deploy {intent.target.tag} to {intent.server.name} ({intent.server.address})"
    table = render_table([[f"[ ] {name}", text] for name, text in steps])
    return f"{head}\n\n{table}\n\n{intent.target.reference}"


def _steps(intent: Intent) -> list[tuple[str, str]]:
    deployment, facts = intent.deployment, intent.facts
    state = facts.journal.get("state", "")
    recover = "nothing to settle" if facts.is_settled else f'the run that ended at "{state}"'
    health = deployment.path or "Docker's check"
    prove = f"{deployment.probes} good answers, {deployment.window_s} s: {health}"
    prove += f", {deployment.version_path} names the tag" if deployment.version_path else ""
    has_candidate = deployment.has_candidate or deployment.front
    beside = f"beside {running_name(facts)}, to prove the same" if has_candidate else "off"
    switch = f"{deployment.service}: {running_name(facts)} to {intent.target.tag}"
    switch += f", with both on {deployment.front}" if deployment.front else ""
    return [
        ("recover", recover),
        ("preflight", f"docker, room, compose file, .env, ports {_list(intent.stack.published)}"),
        ("pull", f"{short(intent.target.digest)}, {render_size(intent.target.size_bytes)}"),
        ("dependencies", f"started where none run: {_list(intent.stack.dependencies)}"),
        ("candidate", beside),
        ("switch", switch),
        ("prove", prove),
        ("keep", f"the last {deployment.keep} proven images on the server"),
    ]


def running_name(facts: Facts) -> str:
    """What runs now, by its release where the ledger knows it."""
    if not facts.running:
        return "nothing"
    entry = running_entry(facts.ledger, facts.running)
    if entry:
        return entry.tag
    name, _, digest = harmless(facts.running).partition("@")
    return f"{name}@{digest[:19]}… (of no deploy)" if digest else f"{name} (of no deploy)"


@dataclass(frozen=True, slots=True)
class Held:
    """A tag in the registry and what it holds."""

    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Server, registry and ledger, each as far as it could be reached.

    `facts_trouble` and `registry_trouble` say why a part is missing; "" where it is there.
    """

    server: Server
    facts: Facts | None
    facts_trouble: str
    newest: Held | None
    registry_trouble: str
    verdict: str


def render_standing(standing: Standing, form: Format) -> str:
    """Write host, registry and ledger side by side."""
    facts = standing.facts
    ledger = facts.ledger[::-1] if facts else ()
    if form is Format.JSON:
        return render_json(_standing_document(standing, ledger))
    rows = [["WHERE", "RELEASE", "DIGEST", "SEEN"]]
    rows.append(["registry", *_registry_cells(standing)])
    rows += _server_rows(standing)
    rows += [["ledger", each.tag, short(each.digest), f"proven {each.time}"] for each in ledger[:5]]
    return f"{render_table(rows)}\n\n{standing.verdict}"


def _registry_cells(standing: Standing) -> list[str]:
    if standing.newest is None:
        return ["", "", standing.registry_trouble or "no release"]
    return [standing.newest.tag, standing.newest.digest[:19] + "…", "the newest release"]


def _server_rows(standing: Standing) -> list[list[str]]:
    facts = standing.facts
    if facts is None:
        return [[standing.server.name, "", "", standing.facts_trouble]]
    rows = []
    for each in facts.service:
        entry = running_entry(facts.ledger, each.reference)
        tag = entry.tag if entry else "of no deploy"
        digest = f"{each.reference.rpartition('@')[2][:19]}…"
        rows.append([standing.server.name, tag, digest, f"{each.status}, health {each.health}"])
    if standing.facts_trouble:
        rows.append([standing.server.name, "", "", standing.facts_trouble])
    elif not facts.service:
        rows.append([standing.server.name, "", "", "no container of the service"])
    if facts.holder:
        rows.append([standing.server.name, "", "", f"a run is at work: {harmless(facts.holder)}"])
    elif not facts.is_settled:
        rows.append([standing.server.name, "", "", "a run was interrupted: recover settles it"])
    return rows


def _standing_document(standing: Standing, ledger: Sequence[Entry]) -> dict[str, object]:
    facts = standing.facts
    service = facts.service if facts else ()
    return {
        "server": standing.server.name,
        "verdict": standing.verdict,
        "registry": {
            "newest": standing.newest.tag if standing.newest else None,
            "digest": standing.newest.digest if standing.newest else None,
            "trouble": standing.registry_trouble,
        },
        "host": {
            "trouble": standing.facts_trouble,
            "running": [
                {"reference": each.reference, "status": each.status, "health": each.health}
                for each in service
            ],
            "at_work": facts.holder if facts else "",
            "state": facts.journal.get("state", "") if facts else "",
        },
        "ledger": [
            {"tag": each.tag, "reference": each.reference, "time": each.time} for each in ledger
        ],
    }


def render_recovered(server: Server, facts: Facts, proven: str, form: Format) -> str:
    """Write what stands after a recovery; `proven` is the container that was proven, or ""."""
    found = [each for each in facts.service if each.id == proven]
    rows = [["SERVER", "RELEASE", "DIGEST", "SEEN"]]
    rows += [
        [
            server.name,
            running_name(facts),
            f"{each.reference.rpartition('@')[2][:19]}…",
            f"proven, {each.status}, health {each.health}",
        ]
        for each in found
    ]
    if form is Format.JSON:
        reference = found[0].reference if found else None
        return render_json({"server": server.name, "reference": reference, "container": proven})
    if not found:
        return f"{server.name}: nothing to recover; no release was deployed there"
    return f"{render_table(rows)}\n\n{found[0].reference}"


def _list(items: Sequence[object]) -> str:
    return ", ".join(map(str, items)) or "none"
