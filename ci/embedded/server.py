"""The session's endpoint: GraphQL over HTTP on loopback, for the unmodified client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import inspect
import json
import keyword
import os
import re
import secrets
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import graphql.language.parser
import httpx
from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    Undefined,
    execute,
    get_named_type,
    is_interface_type,
    is_object_type,
    parse,
    validate,
    value_from_ast_untyped,
)
from graphql.validation import (
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownTypeNamesRule,
    ProvidedRequiredArgumentsRule,
)

from ci.embedded import schema
from ci.embedded.errors import EngineError, EngineLost, Unsupported
from ci.embedded.httpd import Request, Response, listen, port_of
from ci.embedded.session import Session
from ci.embedded.types.query import Query

LOST = (httpx.TransportError, ConnectionError, asyncio.IncompleteReadError)
RULES = (
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownTypeNamesRule,
    ProvidedRequiredArgumentsRule,
)
# A chain of calls is one query as deep as the chain is long; graphql-core stops at 200.
graphql.language.parser.MAX_NESTING_DEPTH = 100_000
RECURSION_LIMIT = 20_000
STACK_BYTES = 256 << 20


def snake(name: str) -> str:
    """A field's name as the method that serves it."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def _resolver(session: Session, owner: str, name: str, field: GraphQLField) -> Callable[..., Any]:
    takes_ids = {arg for arg, spec in field.args.items() if get_named_type(spec.type).name == "ID"}
    loads = name != "node" and not name.startswith("load")
    defaults = {arg: _default(spec) for arg, spec in field.args.items()}
    method = snake(name)

    async def resolve(source: Any, _: Any, /, **given: Any) -> Any:
        served = getattr(source, method, None)
        if served is None and not hasattr(source, method):
            raise Unsupported(f"{owner}.{name}")
        if not callable(served):
            return served
        known = inspect.signature(served).parameters
        arguments = {}
        for arg, value in given.items():
            if snake(arg) in known:
                by_id = loads and arg in takes_ids
                arguments[snake(arg)] = _load(session, value) if by_id else value
            elif value is not None and value != defaults[arg]:
                raise Unsupported(f"{owner}.{name}({arg})")
        result = served(**arguments)
        return await result if inspect.isawaitable(result) else result

    return resolve


def _default(argument: GraphQLArgument) -> Any:
    literal = argument.default.literal if argument.default else None
    return value_from_ast_untyped(literal) if literal else None


def _load(session: Session, value: Any) -> Any:
    if value is None or value is Undefined:
        return None
    return (
        [session.load(item) for item in value] if isinstance(value, list) else session.load(value)
    )


def _serve_fields(types: GraphQLSchema, session: Session) -> None:
    for kind in types.type_map.values():
        if is_object_type(kind) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                field.resolve = _resolver(session, kind.name, name, field)
        elif is_interface_type(kind):
            kind.resolve_type = lambda item, *_: item.typename


class Endpoint:
    """Answers the queries of one session."""

    def __init__(self, session: Session) -> None:
        self.session, self.token = session, secrets.token_hex(16)
        self.types, self.introspection = schema.load(session.store.root / "schema")
        self.root = Query(session)
        _serve_fields(self.types, session)

    async def handle(self, request: Request) -> Response:
        """One HTTP request."""
        expected = "Basic " + base64.b64encode(f"{self.token}:".encode()).decode()
        if not secrets.compare_digest(
            request.headers.get("authorization", "").encode(), expected.encode()
        ):
            return Response(401)
        if request.target.partition("?")[0] != "/query" or request.method != "POST":
            return Response(404)
        body = b"".join([chunk async for chunk in request.body])
        try:
            query = json.loads(body)
            query["query"]
        except (ValueError, KeyError, TypeError):
            return Response(400)
        status, answer = await self._query(query)
        return Response(status, {"content-type": "application/json"}, answer)

    async def _query(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        text = request["query"]
        if "__schema" not in text:
            return await self._execute(request)
        kept = Path(f"{self.introspection}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json")
        if not kept.exists():
            status, answer = await self._execute(request)
            if status != 200:
                return status, answer
            beside = kept.with_suffix(f".{os.getpid()}")
            beside.write_bytes(answer)
            beside.replace(kept)
        return 200, kept.read_bytes()

    async def _execute(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        try:
            document = parse(request["query"])
            errors = validate(self.types, document, RULES)
        except GraphQLError as error:
            errors = [error]
        if errors:
            return 422, _dump({"errors": [error.formatted for error in errors], "data": None})
        pending = execute(
            self.types,
            document,
            self.root,
            variable_values=request.get("variables"),
            operation_name=request.get("operationName"),
        )
        result = await pending if inspect.isawaitable(pending) else pending
        failures = [self._formatted(error) for error in result.errors or ()]
        return 200, _dump({"data": result.data, **({"errors": failures} if failures else {})})

    def _formatted(self, error: GraphQLError) -> dict[str, Any]:
        original = error.original_error
        if isinstance(original, LOST):
            # In the middle of an answer; what asks others than Docker translates its own errors.
            original = EngineLost(f"the Docker engine hung up: {original}")
            error = GraphQLError(str(original), path=error.path, original_error=original)
        if original is not None and not isinstance(original, EngineError):
            self.session.log("".join(traceback.format_exception(original)))
        message = (
            error.message
            if isinstance(original, EngineError | None)
            else f"{type(original).__name__}: {original}"
        )
        formatted = {"message": self.session.scrubber.scrub_long(message), "path": error.path}
        return {**formatted, "extensions": error.extensions} if error.extensions else formatted


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextlib.asynccontextmanager
async def serve(environ: Mapping[str, str] | None = None) -> AsyncIterator[tuple[int, str]]:
    """Serve a session in this event loop; yields port and token."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    session = Session(os.environ if environ is None else environ)
    try:
        endpoint = Endpoint(session)
        server = await listen(endpoint.handle)
        try:
            yield port_of(server), endpoint.token
        finally:
            server.close()
    finally:
        await session.close()


@contextlib.contextmanager
def session(environ: Mapping[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """Serve a session on a thread of its own and point this process's client at it."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def main() -> None:
        box["loop"], box["stop"] = asyncio.get_running_loop(), asyncio.Event()
        async with serve(environ) as box["at"]:
            ready.set()
            await box["stop"].wait()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            box["error"] = error
            ready.set()

    previous = threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=run, name="ci-embedded", daemon=True)
    thread.start()
    threading.stack_size(previous)
    ready.wait()
    if "error" in box:
        raise box["error"]
    port, token = box["at"]
    try:
        with _environment({"DAGGER_SESSION_PORT": str(port), "DAGGER_SESSION_TOKEN": token}):
            yield port, token
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
