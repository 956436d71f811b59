"""Runs a plan: the module's functions in this process, the API's in the engine's session."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagger
from dagger.client.base import Type

from .command import Misuse, Plan, Step
from .model import Argument, TypeRef, UsageError
from .module import Module, state_digest
from .values import as_input, default_value, given_value


@dataclass(frozen=True, slots=True)
class ObjectId:
    """An object at the end of a chain; it prints as ``Type@digest``."""

    type_name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a call returned: primitives, lists and dictionaries of them, and object IDs."""

    type: TypeRef
    value: Any


def run(module: Module, plan: Plan) -> Result:
    """Start the engine's session, run the plan, end the session."""
    import anyio

    # The engine is imported here: help and `functions` must not start it.
    from ..server import session

    with session():
        return anyio.run(_run, module, plan)


async def _run(module: Module, plan: Plan) -> Result:
    async with _connection():
        first, *rest = plan.steps
        main = TypeRef("object", module.main.name, is_core=False)
        state = await _call(module, None, first)
        value = await _follow(module, main, state, rest, in_list=False)
    # `sync` is the last step of an object that has it and is not a function of its own.
    last = plan.steps[-1].function
    return Result(last.returns, value)


@contextlib.asynccontextmanager
async def _connection() -> Any:
    async with dagger.connection(dagger.Config(log_output=None)):
        yield


async def _follow(
    module: Module, type_: TypeRef, value: Any, steps: list[Step], *, in_list: bool
) -> Any:
    """Apply the remaining steps to a value; over each element of a list, as GraphQL does.

    Inside a list results keep the field's name: ``[{"name": "a"}, {"name": "b"}]``.
    """
    if value is None:
        return None
    if type_.element and (steps or type_.holds_objects):
        element = type_.element
        return [await _follow(module, element, item, steps, in_list=True) for item in value]
    if not steps:
        return await _ending(module, type_, value, in_list=in_list)
    step, *rest = steps
    result = await _call(module, value, step)
    result = await _follow(module, step.function.returns, result, rest, in_list=in_list)
    return {step.function.name: result} if in_list else result


async def _ending(module: Module, type_: TypeRef, value: Any, *, in_list: bool) -> Any:
    if type_.kind == "object":
        if isinstance(value, Type):
            identifier = await as_input(value)
            found = ObjectId(type_.name, state_digest(type_.name, identifier))
        else:
            found = ObjectId(type_.name, state_digest(type_.name, value))
        return {"id": found} if in_list else found
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, enum.Enum) else value


async def _call(module: Module, receiver: Any, step: Step) -> Any:
    """Call one function; objects of the API come back as the client's, the module's as state."""
    function = step.function
    if function.is_core:
        named = {
            argument.python_name: await _given(step, argument)
            for argument in function.arguments
            if argument.name in step.values
        }
        result = getattr(receiver, function.python_name)(**named)
        return result if isinstance(result, Type) else await result
    inputs = await _inputs(module, step)
    result = await module.invoke(step.owner, receiver, function, inputs)
    return await _loaded(module, function.returns, result)


async def _given(step: Step, argument: Argument) -> Any:
    try:
        return await given_value(argument, step.values[argument.name])
    except UsageError as error:
        raise Misuse(error, step.path) from error


async def _inputs(module: Module, step: Step) -> Mapping[str, Any]:
    """The inputs of a module's function: what was typed, then `.env`, then DefaultPath."""
    inputs = {}
    for argument in step.function.arguments:
        if argument.name in step.values:
            value = await _given(step, argument)
        else:
            value = await default_value(argument, module.source)
        if value is not None:
            inputs[argument.name] = await as_input(value)
    return inputs


async def _loaded(module: Module, type_: TypeRef, result: Any) -> Any:
    """Turn IDs into the client's objects."""
    if result is None:
        return None
    if type_.element:
        return [await _loaded(module, type_.element, item) for item in result]
    if type_.kind == "object" and type_.is_core:
        return await module.from_id(result, type_)
    return result
