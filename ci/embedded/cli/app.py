"""The commands: what they print, and their exit codes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from .model import ModuleError, UsageError

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
    signal.signal(signal.SIGTERM, _terminate)
    debug = bool(os.environ.get("DEBUG")) or bool({"-d", "--debug"} & set(argv))
    try:
        with _results_only() as out:
            return _dispatch(argv, out)
    except KeyboardInterrupt:
        _say("Canceled.")
        return INTERRUPTED
    except Exception as error:  # the last resort of a program: every error becomes an exit code
        return _report(error, debug=debug)


def _terminate(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _results_only() -> Iterator[TextIO]:
    """Keep standard output for the result: what the module prints goes to standard error."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with os.fdopen(os.dup(saved), "w", encoding="utf-8") as out:
            os.dup2(2, 1)
            with contextlib.redirect_stdout(sys.stderr):
                yield out
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)


def _dispatch(argv: list[str], out: TextIO) -> int:
    from .command import EVERYWHERE
    from .options import OptionSet

    settings, rest = OptionSet(EVERYWHERE).parse(argv)
    command, words = (rest[0], rest[1:]) if rest else ("", [])
    if command == "functions":
        return _functions(words, settings, out)
    if command == "call":
        return _call(words, settings, out)
    if command:
        raise UsageError(f'unknown command "{command}" for "dagger"')
    out.write(USAGE)
    return OK


def _functions(words: list[str], settings: dict[str, Any], out: TextIO) -> int:
    from .command import EVERYWHERE, list_functions
    from .options import OptionSet

    options, chain = OptionSet(EVERYWHERE), []
    rest = list(words)
    while rest:
        found, rest = options.parse(rest)
        settings |= found
        chain += rest[:1]
        rest = rest[1:]
    if settings.get("help"):
        out.write(USAGE)
        return OK
    listing = list_functions(_load(settings), chain)
    if not listing:
        _say("No functions found.")
    out.write(listing)
    return OK


def _call(words: list[str], settings: dict[str, Any], out: TextIO) -> int:
    from .command import read_call, with_ending

    module = _load(settings | _early_settings(words), defaults=True)
    plan = read_call(module, words)
    if plan.page:
        out.write(plan.page)
        return OK
    if len(plan.steps) == 1:
        # Dagger prints the root of the API without calling anything.
        out.write("Query\n")
        return OK
    settings |= plan.settings
    asked = dataclasses.replace(plan, settings=settings)
    whole = with_ending(module, asked)
    from .call import Result, run
    from .output import show

    result = run(module, whole)
    last = whole.steps[-1].function
    exported = whole is not asked and last.name == "export"
    returns = last.returns if exported else asked.steps[-1].function.returns
    show(
        Result(returns, result.value),
        as_json=bool(settings.get("json")),
        path=settings.get("output", ""),
        exported=exported,
        out=out,
        log=sys.stderr,
    )
    return OK


def _early_settings(words: list[str]) -> dict[str, Any]:
    """The options before the first function that are needed to load the module."""
    from .command import EVERYWHERE
    from .options import OptionSet

    known, found, rest = OptionSet(EVERYWHERE), {}, list(words)
    while rest and rest[0].startswith("-"):
        try:
            values, rest = known.parse(rest)
            found |= values
        except UsageError:
            # An argument of the constructor: as Dagger, take what follows for its value.
            has_value = "=" not in rest[0] and len(rest) > 1 and not rest[1].startswith("-")
            rest = rest[2:] if has_value else rest[1:]
    return found


def _load(settings: dict[str, Any], *, defaults: bool = False) -> Any:
    from .module import Module, find_source, silence_client_logs

    if "workdir" in settings:
        os.chdir(settings["workdir"])
    silence_client_logs()
    source = find_source(settings.get("mod") or os.environ.get("DAGGER_MODULE", ""))
    module = Module.load(source)
    if defaults:
        from .dotenv import read_defaults

        for line in module.apply_defaults(read_defaults(source.root, source.name)):
            _say(line)
    return module


def _report(error: Exception, *, debug: bool) -> int:
    """Say what went wrong on standard error; return the exit code."""
    from .command import Misuse

    if debug:
        traceback.print_exception(error)
    for text in _texts(error):
        _say(f"Error: {text}")
    if isinstance(error, UsageError) and error.suggestions:
        _say("\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in error.suggestions))
    if isinstance(error, Misuse):
        _say(f"\n{error.page}" if error.page else f"Run '{error.path} --help' for usage.")
    return _exit_code(error)


def _texts(error: BaseException) -> list[str]:
    """The messages of an error, without its type where a person wrote the message."""
    if isinstance(error, BaseExceptionGroup):
        return [text for inner in error.exceptions for text in _texts(inner)]
    if isinstance(error.__cause__, BaseExceptionGroup):
        return _texts(error.__cause__)
    cause = error.__cause__ if type(error).__name__ == "FunctionError" else None
    shown = cause or error
    # A KeyError says nothing but the key.
    is_bare = type(shown).__module__ == "builtins" and type(shown) is not Exception
    text = str(shown)
    return [f"{type(shown).__name__}: {text}" if is_bare and text else text or type(shown).__name__]


def _exit_code(error: Exception) -> int:
    import dagger

    if not isinstance(error, dagger.ExecError):
        return FAILED
    for name in ("stdout", "stderr"):
        if (text := getattr(error, name)) and not sys.stderr.isatty():
            _say(f"{name.capitalize()}:\n{text}")
    return error.exit_code or FAILED


def _say(text: str) -> None:
    sys.stderr.write(text.rstrip("\n") + "\n")
