"""Asking again where that can heal, following redirects without credentials."""

import random
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from ci.adapters.transport import AUTHORIZATION, ExchangeFailed, Reply, Request, Transport
from ci.decisions.retry import Budget, Retry, asked_wait_s, classify
from ci.errors import (
    PipelineError,
    RedirectRefused,
    RegistryTimeout,
    RegistryUnavailable,
    Truncated,
)
from ci.oci.text import shown
from ci.ports import Clock, Progress

REDIRECTS = (301, 302, 303, 307, 308)
HOPS = 3
_NOBODY = (
    "check that the registry runs and is reached by --image and --via, then run the same again"
)
_AGAIN = "run the same again; it goes on where it was"
_FAILURES: dict[str, type[PipelineError]] = {"timeout": RegistryTimeout, "truncated": Truncated}


class PatientClient:
    """Sends requests until they are answered or the budget is spent."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        progress: Progress,
        budget: Budget | None = None,
    ) -> None:
        self.transport, self._clock, self.progress = transport, clock, progress
        self._budget = budget or Budget()

    async def send(self, request: Request) -> Reply:
        """Get an answer, of whatever status.

        Raises:
            RegistryUnavailable, RegistryTimeout, Truncated: none within the budget.
            RedirectRefused: a redirect that must not be followed.
        """
        begun, attempt = self._clock.monotonic_s(), 0
        while True:
            attempt += 1
            outcome: Reply | ExchangeFailed
            try:
                outcome = await self._follow(request)
            except ExchangeFailed as error:
                outcome = error
            kind, asked_s = self._judge(request.method, outcome)
            wait_s = self._budget.next_wait_s(
                kind,
                attempt=attempt,
                spent_s=self._clock.monotonic_s() - begun,
                asked_s=asked_s,
                jitter=random.random(),  # noqa: S311 - spreads load, guards nothing
            )
            if wait_s is None:
                return _finished(outcome, attempt)
            self.progress.note(f"     {_what(outcome)}; asking again in {wait_s:.1f} s")
            await self._clock.sleep(wait_s)

    def _judge(self, method: str, outcome: Reply | ExchangeFailed) -> tuple[Retry, float]:
        if isinstance(outcome, ExchangeFailed):
            return Retry.TRANSIENT, 0.0
        asked = asked_wait_s(outcome.header("Retry-After"), outcome.text, self._clock.now())
        is_write = method not in ("GET", "HEAD")
        return classify(outcome.status, outcome.text, is_write=is_write), asked

    async def _follow(self, request: Request) -> Reply:
        for _ in range(HOPS):
            reply = await self.transport.exchange(request)
            location = reply.header("Location")
            if reply.status not in REDIRECTS or not location:
                return reply
            request = _redirected(request, urljoin(request.url, location))
        raise RedirectRefused(f"more than {HOPS} redirects", remedy="check --image")


def _redirected(request: Request, url: str) -> Request:
    old, new = urlsplit(request.url), urlsplit(url)
    changes_manifest = "/manifests/" in old.path and old.path != new.path
    leaves_https = old.scheme == "https" and new.scheme != "https"
    is_odd = new.scheme not in ("http", "https") or request.method not in ("GET", "HEAD")
    if changes_manifest or leaves_https or is_odd:
        where = f"{new.scheme}://{new.hostname}{new.path}"
        raise RedirectRefused(
            f"{request.method} {shown(old.path)} is redirected to {shown(where)}",
            remedy="check --image: the registry knows it under another name",
        )
    if old.netloc == new.netloc:
        return replace(request, url=url)
    # Another host must never see our credentials.
    kept = {name: text for name, text in request.headers.items() if name != AUTHORIZATION}
    return replace(request, url=url, headers=kept)


def _finished(outcome: Reply | ExchangeFailed, attempts: int) -> Reply:
    if isinstance(outcome, Reply):
        return outcome
    error = _FAILURES.get(outcome.kind, RegistryUnavailable)
    remedy = _NOBODY if outcome.kind == "connect" else _AGAIN
    raise error(f"{shown(outcome.cause, 160)}, {attempts} tries", remedy=remedy) from outcome


def _what(outcome: Reply | ExchangeFailed) -> str:
    return outcome.cause if isinstance(outcome, ExchangeFailed) else f"status {outcome.status}"
