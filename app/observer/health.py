"""The state of the database, and what it means for the service's health."""

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

log = logging.getLogger("observer.health")


class Database(StrEnum):
    """What one check of the database showed; the words that `/health` shows.

    FAILED: something answers there and does not serve us (login refused, no such database, still
    starting, not PostgreSQL); the log names the error.
    """

    OK = "ok"
    NOT_CONFIGURED = "not configured"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """An answer of `/health`: the HTTP status and the two words of its body."""

    http_status: int
    status: str
    database: Database


def judge(database: Database, *, required: bool) -> Health:
    """Apply the rule of `/health`.

    No database to look at, or one that answers: ok, 200. One that fails: degraded, and 503 where
    it is required, else 200.
    """
    if database in (Database.OK, Database.NOT_CONFIGURED):
        return Health(200, "ok", database)
    return Health(503 if required else 200, "degraded", database)


class DatabaseCheck:
    """Asks the database `SELECT 1` over a connection of its own.

    A new connection each time is what a client of the service would need, and leaves nothing
    behind that has to be repaired after the database was away. Questions that come while one is
    under way share its answer: a slow database is not flooded with connections.
    """

    def __init__(self, url: str | None, *, limit_s: float) -> None:
        self._url = url
        self._limit_s = limit_s
        self._under_way: asyncio.Task[Database] | None = None
        self._last: Database | None = None

    async def state(self) -> Database:
        """Return the database's state within the limit; never raises."""
        if self._url is None:
            return Database.NOT_CONFIGURED
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look(self._url))
        # A client that goes away must not take the others' answer with it.
        return await asyncio.shield(self._under_way)

    async def _look(self, url: str) -> Database:
        database, seen = Database.OK, "answers"
        try:
            async with asyncio.timeout(self._limit_s):
                await _select_one(url)
        except Exception as error:
            # Whatever speaks on that port must not break /health: it counts as failed.
            database, seen = _classify(error), type(error).__name__
        if database is not self._last:
            # Once a change, not once a probe; the error's own text could repeat the URL.
            log.warning("database: %s (%s)", database, seen)
            self._last = database
        return database


async def _select_one(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.fetchval("SELECT 1")
    finally:
        # close() waits for the server, which may be the one that hangs.
        connection.terminate()


def _classify(error: Exception) -> Database:
    # TimeoutError is an OSError too, so it comes first.
    if isinstance(error, TimeoutError):
        return Database.TIMED_OUT
    if isinstance(error, OSError):
        return Database.UNREACHABLE
    return Database.FAILED
