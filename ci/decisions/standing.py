"""One line about registry, server and ledger: whether they agree, else what to do."""

from ci.decisions.deploy_report import Held
from ci.decisions.ledger import running_entry
from ci.decisions.server_facts import Facts

_DEPLOY = "./daggerw call deploy --tag TAG"


def judge_standing(facts: Facts | None, newest: Held | None) -> str:
    """Say where the three stand to one another."""
    if facts is None or facts.trouble:
        return "the server cannot be judged; what it runs is not known"
    if facts.holder:
        return "a run is at work there; ask again when it has ended"
    if not facts.is_settled:
        return "a run was interrupted there; settle it: ./daggerw call recover"
    if not facts.running:
        last = facts.ledger[-1].tag if facts.ledger else ""
        again = f"{last} should run: ./daggerw call recover" if last else f"deploy one: {_DEPLOY}"
        return f"no release runs there; {again}"
    return _judge_running(facts, newest)


def _judge_running(facts: Facts, newest: Held | None) -> str:
    entry = running_entry(facts.ledger, facts.running)
    if entry is None:
        return "what runs there was not deployed from here; take it over with deploy --adopt"
    if facts.ledger[-1].reference != facts.running:
        last = facts.ledger[-1].tag
        return f"{entry.tag} runs, though {last} was proven last: ./daggerw call recover"
    if newest is None:
        return f"{entry.tag} runs, as the ledger says; the registry shows no release"
    if newest.tag != entry.tag:
        return f"{entry.tag} runs; the newest release is {newest.tag}"
    if newest.digest != str(entry.digest):
        return f"{entry.tag} runs as {entry.digest}, and the registry holds {newest.digest}"
    return f"registry, server and ledger agree on {entry.tag}"
