"""Runs a plan: the module's functions in this process, the API's in the engine's session."""

from __future__ import annotations

import contextlib
import enum
import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagger
from dagger.client.base import Type

from ..scrub import Scrubber
from .command import Misuse, Plan, Step
from .model import Argument, TypeRef, UsageError
from .module import Module, state_digest
from .values import as_input, default_value, given_value


@dataclass(frozen=True, slots=True)
class ObjectId:
    """An object at the end of a chain; it prints as ``Type@digest``."""

    type_name: str
    digest: str


def run(module: Module, plan: Plan, scrubber: Scrubber, *, verbose: bool) -> Any:
    """Start the engine's session, run the plan, end the session.

    Args:
        verbose: Have the engine tell what it does.

    Returns:
        Primitives, lists and dictionaries of them, and object IDs.
    """
    import anyio

    # The engine is imported here: help and `functions` must not start it.
    from ..server import session

    # What env: addresses find is what was set when the session started.
    environ = {**os.environ, **({"CI_EMBEDDED_VERBOSE": "1"} if verbose else {})}
    with session(environ):
        # From here on there is garbage; what was imported until now is none.
        gc.freeze()
        gc.enable()
        return anyio.run(_connected, Runner(module, scrubber), plan)


async def _connected(runner: Runner, plan: Plan) -> Any:
    async with dagger.connection():
        return await runner.run(plan)


class Runner:
    """Calls one function after the other.

    A value of an API object is the client's object; one of the module's objects is its state,
    as JSON: between two calls Dagger keeps nothing else either.
    """

    def __init__(self, module: Module, scrubber: Scrubber) -> None:
        self.module, self.scrubber = module, scrubber

    async def run(self, plan: Plan) -> Any:
        """Run the constructor, then the rest."""
        constructor, *rest = plan.steps
        main = TypeRef("object", self.module.main.name, is_core=False)
        return await self._follow(main, await self._call(None, constructor), rest)

    async def _follow(
        self, type_: TypeRef, value: Any, steps: Sequence[Step], *, in_list: bool = False
    ) -> Any:
        """Apply steps to a value; over each element of a list, as GraphQL does.

        Inside a list results keep the field's name: ``[{"name": "a"}, {"name": "b"}]``.
        """
        if value is None:
            return None
        if type_.element and type_.holds_objects:
            element = type_.element
            return [await self._follow(element, item, steps, in_list=True) for item in value]
        if not steps:
            return await _ending(type_, value, in_list=in_list)
        step, *rest = steps
        result = await self._call(value, step)
        result = await self._follow(step.function.returns, result, rest, in_list=in_list)
        return {step.function.name: result} if in_list else result

    async def _call(self, receiver: Any, step: Step) -> Any:
        function = step.function
        if not function.is_core:
            inputs = await self._inputs(step)
            result = await self.module.invoke(step.owner, receiver, function, inputs)
            return await self._loaded(function.returns, result)
        named = {
            argument.python_name: await self._given(step, argument)
            for argument in function.arguments
            if argument.name in step.values
        }
        result = getattr(receiver, function.python_name)(**named)
        return result if isinstance(result, Type) else await result

    async def _inputs(self, step: Step) -> dict[str, Any]:
        """The inputs of a module's function: what was typed, then `.env`, then DefaultPath."""
        inputs = {}
        for argument in step.function.arguments:
            if argument.name in step.values:
                value = await self._given(step, argument)
            else:
                value = await default_value(argument, self.module.source)
            if value is not None:
                await self._hide(value)
                inputs[argument.name] = await as_input(value)
        return inputs

    async def _given(self, step: Step, argument: Argument) -> Any:
        try:
            return await given_value(argument, step.values[argument.name])
        except UsageError as error:
            raise Misuse(error, step.path) from error

    async def _hide(self, value: Any) -> None:
        """Learn secrets that the module is given, to keep them off the terminal."""
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dagger.Secret):
                # One that cannot be read is reported where it is used.
                with contextlib.suppress(dagger.QueryError):
                    self.scrubber.add(await item.plaintext())

    async def _loaded(self, type_: TypeRef, result: Any) -> Any:
        """Turn IDs into the client's objects."""
        if result is None:
            return None
        if type_.element:
            return [await self._loaded(type_.element, item) for item in result]
        if type_.kind == "object" and type_.is_core:
            return await self.module.from_id(result, type_)
        return result


async def _ending(type_: TypeRef, value: Any, *, in_list: bool) -> Any:
    if type_.kind != "object":
        return _plain(value)
    state = await as_input(value) if isinstance(value, Type) else value
    found = ObjectId(type_.name, state_digest(type_.name, state))
    return {"id": found} if in_list else found


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, enum.Enum) else value
