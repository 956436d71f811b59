"""The command line after `call`: which functions with which arguments, without running any."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .flags import is_callable, options_of
from .gotext import similar
from .help import Pages
from .model import KINDS, Argument, Function, ObjectDef, TypeRef, UsageError
from .module import Module
from .options import Option, OptionSet, count, switch

PROGRAM = "dagger"

OWN_OPTIONS = (
    switch("json", "Present result as JSON", shorthand="j"),
    Option(
        "mod",
        str,
        "m",
        usage="Module reference to load, a local path (defaults to current directory)",
    ),
    Option("output", str, "o", usage="Save the result to a local file or directory"),
)
GLOBAL_OPTIONS = (
    switch("debug", "Show the traceback of an error and what the engine does", shorthand="d"),
    Option(
        "progress",
        str,
        usage="Progress output format (auto, plain, tty, dots, logs)",
        default_text='"auto"',
    ),
    count("quiet", "Reduce verbosity", shorthand="q"),
    switch("silent", "Do not show progress at all", shorthand="s"),
    count("verbose", "Show what the engine does", shorthand="v"),
    switch("help", "Print usage", shorthand="h", is_hidden=True),
    Option("workdir", str, usage="Set the working directory", is_hidden=True),
    # Dagger's, accepted so that the same command line runs on both engines; they change nothing.
    switch("auto-apply", "", shorthand="y", is_hidden=True),
    switch("eager-runtime", "", is_hidden=True),
    switch("interactive", "", shorthand="i", is_hidden=True),
    switch("no-exit", "", shorthand="E", is_hidden=True),
    switch("web", "", shorthand="w", is_hidden=True),
    Option("allow-llm", str, is_hidden=True),
    Option("interactive-command", str, is_hidden=True),
    Option("lock", str, is_hidden=True),
)
EVERYWHERE = (*OWN_OPTIONS, *GLOBAL_OPTIONS)


@dataclass(frozen=True, slots=True)
class Step:
    """A function to call, with the values of its arguments by API name."""

    owner: ObjectDef
    function: Function
    values: dict[str, Any] = field(default_factory=dict)
    path: str = ""  # the command as typed, for messages


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command line asks for. `page` is its help page, where that was asked for."""

    steps: tuple[Step, ...]
    settings: dict[str, Any]
    page: str = ""


class Misuse(UsageError):
    """A usage error, with the command that was wrong and its help page."""

    def __init__(self, error: UsageError, path: str, page: str = "") -> None:
        super().__init__(str(error), suggestions=error.suggestions)
        self.path, self.page = path, page


class Command:
    """One level of the command line: a function, its options and what can follow it."""

    def __init__(self, module: Module, function: Function, parent: str) -> None:
        self.function = function
        self.is_root = not parent
        self.path = f"{parent} {function.command}" if parent else f"{PROGRAM} call"
        provider = module.provider(function.returns)
        listed = provider.functions if provider else ()
        self.provider = provider
        self.functions = sorted(filter(is_callable, listed), key=lambda item: item.command)
        own = options_of(function)
        if self.is_root:
            # Dagger sees only when it calls the constructor that an argument is missing.
            own = [replace(option, is_required=False) for option in own]
        # A function's own option hides Dagger's of that name, but on the first level it is hidden.
        self.options = OptionSet((*EVERYWHERE, *own) if self.is_root else (*own, *EVERYWHERE))
        self.arguments: dict[str, Argument] = {
            argument.flag: argument
            for argument in function.arguments
            if not (self.is_root and argument.flag in OptionSet(EVERYWHERE))
        }
        self._own = [option for option in own if option.name in self.arguments]

    def page(self, pages: Pages) -> str:
        """The help page."""
        use = f"{self.path} [options]" if self.is_root else self.path
        use += " [arguments]" if self._own and not self.is_root else ""
        use += " <function>" if self.functions else ""
        doc = "Call one or more functions, interconnected into a pipeline"
        return pages.page(
            doc=doc if self.is_root else self.function.doc or self.function.short,
            use=use,
            path=self.path,
            functions=self.functions,
            options=(*self._own, *OWN_OPTIONS) if self.is_root else self._own,
            inherited=GLOBAL_OPTIONS if self.is_root else (),
        )

    def require(self, values: dict[str, Any]) -> None:
        """Refuse a call whose arguments are not all set."""
        missing = [name for name in self.arguments if name not in values]
        missing = [name for name in missing if self.arguments[name].is_required]
        if missing and self.is_root and not self.arguments.keys() & values.keys():
            raise UsageError(f'missing required argument: "{missing[0]}"')
        if missing:
            names = '", "'.join(missing if self.is_root else sorted(missing))
            raise UsageError(f'required flag(s) "{names}" not set')

    def step(self, owner: ObjectDef, values: dict[str, Any]) -> Step:
        """The call of this function with what was typed."""
        named = {self.arguments[key].name: values[key] for key in values if key in self.arguments}
        return Step(owner, self.function, named, self.path)

    def following(self, word: str) -> Function:
        """The function that a word names."""
        for function in self.functions:
            if function.command == word:
                return function
        raise UsageError(
            f'unknown command "{word}" for "{self.path}"',
            suggestions=similar(word, (function.command for function in self.functions)),
        )


def read_call(module: Module, words: Sequence[str], pages: Pages) -> Plan:
    """Read the words after `call`.

    Raises:
        Misuse: they do not fit the module.
    """
    constructor = module.main.constructor
    assert constructor, "a main object has a constructor"
    wants_help = any(word in {"--help", "-h"} for word in words)
    rest = [word for word in words if word not in {"--help", "-h"}]
    steps: list[Step] = []
    settings: dict[str, Any] = {}
    command, owner = Command(module, constructor, ""), module.main
    while True:
        try:
            values, rest = command.options.parse(rest)
            if not wants_help:
                command.require(values)
            steps.append(command.step(owner, values))
            settings |= {key: values[key] for key in values if key not in command.arguments}
            if not rest:
                break
            function = command.following(rest[0])
        except UsageError as error:
            raise Misuse(error, command.path, command.page(pages) if wants_help else "") from error
        assert command.provider, "only an object has functions"
        owner, rest = command.provider, rest[1:]
        command = Command(module, function, command.path)
    return Plan(tuple(steps), settings, command.page(pages) if wants_help else "")


def with_ending(module: Module, plan: Plan, path: str) -> Plan:
    """The plan with the step that Dagger adds for an object at its end: `export` to the path of
    --output, else `sync`, where the type has them."""
    last = plan.steps[-1].function.returns
    provider = module.provider(last) if last.kind == "object" else None
    if provider is None:
        return plan
    export, sync = provider.find("export"), provider.find("sync")
    if path and export and export.argument("path"):
        values: dict[str, Any] = {"path": path}
        if export.argument("allowParentDirPath"):
            values["allowParentDirPath"] = True
        return replace(plan, steps=(*plan.steps, Step(provider, export, values)))
    if sync and not sync.arguments:
        return replace(plan, steps=(*plan.steps, Step(provider, sync)))
    return plan


def list_functions(module: Module, words: Sequence[str], pages: Pages) -> str:
    """The table that `functions` prints for the object at the end of a chain of functions.

    Dagger also counts a hidden function of its own, `with`, as skipped; that helps nobody.
    """
    provider = module.main
    for word in words:
        function = next((fn for fn in provider.functions if word in (fn.command, fn.name)), None)
        if function is None:
            known = (fn.command for fn in provider.functions)
            name = "Query" if provider is module.main else provider.name
            raise UsageError(
                f'no function "{word}" in type "{name}"', suggestions=similar(word, known)
            )
        following = module.provider(function.returns)
        if following is None:
            raise UsageError(_dead_end(word, function.returns))
        provider = following
    shown = [function for function in provider.functions if is_callable(function)]
    rows = [(fn.command, fn.short) for fn in sorted(shown, key=lambda item: item.name)]
    if not rows:
        return ""
    table = pages.table(("Name", "Description"), rows)
    skipped = [fn.command for fn in provider.functions if not is_callable(fn)]
    if skipped:
        names = ", ".join(skipped)
        table += f"\nSkipped {len(skipped)} function(s) with unsupported types: {names}\n"
    return table


def _dead_end(word: str, returns: TypeRef) -> str:
    kind = json.dumps(KINDS[returns.kind])
    return f'function "{word}" returns type {kind} with no further functions available'
