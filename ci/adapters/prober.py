"""Asking a service for its health over HTTP."""

import httpx

from ci.ports import Answered

BODY_LIMIT_BYTES = 64 * 1024


class HttpProber:
    """The port Prober."""

    async def ask(self, url: str, timeout_s: float) -> Answered:
        """Ask once, without following redirects, reading little."""
        try:
            async with (
                httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client,
                client.stream("GET", url) as response,
            ):
                body = b""
                async for chunk in response.aiter_bytes(4096):
                    body += chunk
                    if len(body) >= BODY_LIMIT_BYTES:
                        break
                return Answered(response.status_code, body.decode("utf-8", "replace"))
        except httpx.HTTPError as error:
            return Answered(0, str(error) or type(error).__name__)
