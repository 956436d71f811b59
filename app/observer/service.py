"""The HTTP surface: `/health` and `/version`."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from observer.health import DatabaseCheck, judge
from observer.settings import Settings

# A cached answer would hide a change from whoever asks.
NO_STORE = {"Cache-Control": "no-store"}


def create_service(settings: Settings) -> FastAPI:
    """Build the service; nothing is connected before the first question."""
    service = FastAPI(title="observer", docs_url=None, redoc_url=None)
    check = DatabaseCheck(settings.database_url, limit_s=settings.limit_s)

    @service.get("/health")
    async def health() -> JSONResponse:
        """Say whether the service and its database are well: 200, or 503 when degraded."""
        answer = judge(await check.state(), required=settings.database_required)
        body = {"status": answer.status, "database": answer.database}
        return JSONResponse(body, status_code=answer.http_status, headers=NO_STORE)

    @service.get("/version")
    async def version() -> JSONResponse:
        """Name the release that is running: its tag and its revision of the source."""
        body = {"tag": settings.tag, "revision": settings.revision}
        return JSONResponse(body, headers=NO_STORE)

    return service
