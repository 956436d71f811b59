"""The session itself: who may ask, and what it says it is."""

import httpx
from dagger import dag

from tests.engine.at import At


async def version(at: At) -> object:
    return await dag.version()


async def default_platform_is_this_machines(at: At) -> object:
    return str(await dag.default_platform()).split("/")[0]


async def wrong_token_is_refused(at: At) -> object:
    return await _status(at, "wrong")


async def no_token_is_refused(at: At) -> object:
    return await _status(at, None)


async def right_token_is_let_in(at: At) -> object:
    return await _status(at, at.session.token)


async def address_keeps_its_value(at: At) -> object:
    return await dag.address("tcp://localhost:1").value()


async def _status(at: At, token: str | None) -> int:
    url = f"http://127.0.0.1:{at.session.port}/query"
    auth = None if token is None else (token, "")
    async with httpx.AsyncClient(auth=auth, timeout=60) as client:
        return (await client.post(url, json={"query": "{version}"})).status_code
