"""The commands: what they print, and their exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .model import UsageError
from .terminal import Terminal, terminal

if TYPE_CHECKING:
    from .command import Plan
    from .module import Module

OK, FAILED, INTERRUPTED = 0, 1, 130
USAGE = """\
Run the functions of a Python Dagger module on the embedded engine

USAGE
  dagger call [options] <function>
  dagger functions [options] [function]...

Use "dagger call --help" for the module's functions.
"""


def run(argv: list[str]) -> int:
    """Run a command line; see `main`."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    debug = bool(os.environ.get("DEBUG")) or bool({"-d", "--debug"} & set(argv))
    with terminal() as tty:
        try:
            return _dispatch(argv, tty)
        except KeyboardInterrupt:
            tty.say("Canceled.")
            return INTERRUPTED
        except Exception as error:
            if debug:
                traceback.print_exception(error)
            return _report(error, tty)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _dispatch(argv: list[str], tty: Terminal) -> int:
    settings, rest = _options().parse(argv)
    command, words = (rest[0], rest[1:]) if rest else ("", [])
    if command == "functions":
        return _functions(words, settings, tty)
    if command == "call":
        return _call(words, settings, tty)
    if command:
        raise UsageError(f'unknown command "{command}" for "dagger"')
    tty.out.write(USAGE)
    return OK


def _options() -> Any:
    from .command import EVERYWHERE
    from .options import OptionSet

    return OptionSet(EVERYWHERE)


def _functions(words: list[str], settings: dict[str, Any], tty: Terminal) -> int:
    from .command import list_functions
    from .help import Pages

    chain: list[str] = []
    rest = list(words)
    while rest:
        found, rest = _options().parse(rest)
        settings |= found
        chain, rest = chain + rest[:1], rest[1:]
    if settings.get("help"):
        tty.out.write(USAGE)
        return OK
    listing = list_functions(_load(settings), chain, Pages.on(tty.out))
    if not listing:
        tty.say("No functions found.")
    tty.out.write(listing)
    return OK


def _call(words: list[str], settings: dict[str, Any], tty: Terminal) -> int:
    from .command import read_call
    from .help import Pages

    module = _load(settings | _early_settings(words))
    for line in _apply_defaults(module):
        tty.say(line)
    plan = read_call(module, words, Pages.on(tty.out))
    settings |= plan.settings
    if plan.page:
        tty.out.write(plan.page)
    elif len(plan.steps) == 1:
        # Dagger prints the root of the API without calling anything.
        tty.out.write("Query\n")
    else:
        _run_plan(module, plan, settings, tty)
    return OK


def _run_plan(module: Module, plan: Plan, settings: dict[str, Any], tty: Terminal) -> None:
    from .call import run
    from .command import with_ending
    from .output import render

    path = settings.get("output", "")
    whole = with_ending(module, plan, path)
    verbose = bool(settings.get("verbose") or settings.get("debug")) and not settings.get("silent")
    value = run(module, whole, tty.scrubber, verbose=verbose)
    if path and whole is not plan and whole.steps[-1].function.name == "export":
        tty.say(f'Saved to "{value}".')
        return
    returns = plan.steps[-1].function.returns
    text = render(returns, value, as_json=bool(settings.get("json")))
    if path and not returns.holds_objects and returns.kind != "void":
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        tty.say(f'Saved output to "{target.absolute()}".')
    tty.out.write(text)
    if tty.out.isatty() and text and not text.endswith("\n"):
        tty.out.write("\n")


def _early_settings(words: list[str]) -> dict[str, Any]:
    """The options before the first function that are needed to load the module."""
    found: dict[str, Any] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        try:
            # One word at a time: the rest may be the module's own.
            has_value = "=" not in rest[0] and len(rest) > 1 and not rest[1].startswith("-")
            values, left = _options().parse(rest[:2] if has_value else rest[:1])
            found |= values
            rest = left + rest[2:] if has_value else rest[1:]
        except UsageError:
            # An argument of the constructor: as Dagger, take what follows for its value.
            rest = rest[2:] if has_value else rest[1:]
    return found


def _load(settings: dict[str, Any]) -> Module:
    from .module import Module, find_source, silence_client_logs

    if "workdir" in settings:
        os.chdir(settings["workdir"])
    silence_client_logs()
    return Module.load(find_source(settings.get("mod") or os.environ.get("DAGGER_MODULE", "")))


def _apply_defaults(module: Module) -> list[str]:
    from .dotenv import read_defaults

    return module.apply_defaults(read_defaults(module.source.root, module.source.name))


def _report(error: Exception, tty: Terminal) -> int:
    """Say what went wrong; return the exit code."""
    from .command import Misuse

    for text in _texts(error):
        tty.say(f"Error: {text}")
    if isinstance(error, UsageError) and error.suggestions:
        names = "".join(f"\t{name}\n" for name in error.suggestions)
        tty.say(f"\nDid you mean this?\n{names}")
    if isinstance(error, Misuse):
        tty.say(f"\n{error.page}" if error.page else f"Run '{error.path} --help' for usage.")
    return _exit_code(error, tty)


def _texts(error: BaseException) -> list[str]:
    """The messages of an error, without its type where a person wrote the message."""
    if isinstance(error, BaseExceptionGroup):
        return [text for inner in error.exceptions for text in _texts(inner)]
    if isinstance(error.__cause__, BaseExceptionGroup):
        return _texts(error.__cause__)
    is_wrapped = type(error).__name__ == "FunctionError" and error.__cause__
    shown = error.__cause__ if is_wrapped and error.__cause__ else error
    name, text = type(shown).__name__, str(shown)
    # A KeyError says nothing but the key.
    is_bare = type(shown).__module__ == "builtins" and type(shown) is not Exception
    return [f"{name}: {text}" if is_bare and text else text or name]


def _exit_code(error: Exception, tty: Terminal) -> int:
    import dagger

    if not isinstance(error, dagger.ExecError):
        return FAILED
    for name in ("stdout", "stderr"):
        if (text := getattr(error, name)) and not sys.stderr.isatty():
            tty.say(f"{name.capitalize()}:\n{text}")
    return error.exit_code or FAILED
