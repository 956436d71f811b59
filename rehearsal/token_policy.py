"""Who may do what in the rehearsal's registry: one small table, and its reading of a scope."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rehearsal.layout import READER, WRITER

ANONYMOUS = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an account may do in the repositories that the pattern covers (`*` spans slashes)."""

    account: str
    repositories: str
    actions: frozenset[str]


POLICY = (
    Rule(WRITER, "*", frozenset({"pull", "push", "delete"})),
    Rule(READER, "*", frozenset({"pull"})),
    Rule(ANONYMOUS, "public/*", frozenset({"pull"})),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A request for rights, `type:name:action,action`; the name may hold a colon (a port)."""

    kind: str
    name: str
    actions: tuple[str, ...]


def parse_scopes(texts: Iterable[str]) -> list[Scope]:
    """Read `scope` parameters, each of which may hold several, separated by spaces.

    Raises:
        ValueError: a scope has fewer than three parts.
    """
    scopes = []
    for text in " ".join(texts).split():
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        if not (kind and name and actions):
            raise ValueError(f"not a scope: {text!r}")
        scopes.append(Scope(kind, name, tuple(actions.split(","))))
    return scopes


def grant(account: str, scopes: Iterable[Scope], policy: Sequence[Rule]) -> list[Scope]:
    """The asked-for rights that the account has; never more, possibly none.

    As Docker's token specification wants it, a request that goes too far gets a token with less,
    and the registry refuses the action.
    """
    granted = []
    for scope in scopes:
        allowed = _allowed(account, scope, policy)
        actions = tuple(action for action in scope.actions if action in allowed)
        if actions:
            granted.append(Scope(scope.kind, scope.name, actions))
    return granted


def _allowed(account: str, scope: Scope, policy: Sequence[Rule]) -> frozenset[str]:
    rights: frozenset[str] = frozenset()
    for rule in policy:
        if rule.account == account and fnmatchcase(scope.name, rule.repositories):
            rights |= rule.actions
    return rights if scope.kind == "repository" else frozenset()
