"""A run of the transaction on the server: begun, followed over lost links, settled when it died."""

import base64
import secrets
import shlex
from dataclasses import dataclass

from ci.decisions.credentials import Credentials
from ci.decisions.drift import kept_path
from ci.decisions.outcome import error_of_run, error_of_start
from ci.decisions.plan import Plan, plan_recovery, render_plan
from ci.decisions.transcript import Transcript, parse_line, render_line
from ci.errors import PipelineError, State, reached
from ci.oci.digest import digest_of
from ci.remote import LOST, PAUSES_S, Remote
from ci.server_errors import LinkLost, RemoteShell

START_S = 60.0
# Beyond the deadline that the server itself keeps.
GRACE_S = 60.0
RECOVERY_S = 900
NONCE_BYTES = 16
_DEAD, _NO_RUN = 75, 12


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `settled` is the recovery's own run where the first one was killed."""

    transcript: Transcript
    settled: Transcript | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is run: a plan, the compose file that it names, and who pulls."""

    plan: Plan
    compose: bytes | None
    credentials: Credentials | None

    @property
    def limit_s(self) -> float:
        """How long this can last at the most."""
        return float(self.plan.get("hard") or RECOVERY_S) + GRACE_S


def new_nonce() -> str:
    """Thirty-two digits that nobody on the server can guess."""
    return secrets.token_hex(NONCE_BYTES)


async def run_order(remote: Remote, order: Order) -> Ended:
    """Run a plan to its end, whatever that is.

    Raises:
        PipelineError: it could not be begun, or was lost from sight.
    """
    transcript = await _run(remote, order)
    if transcript.has_ended:
        return Ended(transcript)
    remote.progress.note("     the run was killed on the server; settling what it left")
    recovery = Order(plan_recovery(new_nonce(), remote.directory), None, order.credentials)
    settled = await _run(remote, recovery)
    if settled.exit_class != 0:
        raise error_of_run(settled)
    return Ended(transcript, settled)


async def _run(remote: Remote, order: Order) -> Transcript:
    """Begin and follow; the transcript has no end where the run was found dead."""
    nonce = order.plan.get("nonce")
    run_id = f"{remote.clock.now():%Y%m%d-%H%M%S}-{nonce[:8]}"
    with reached(State.S3):
        script = await remote.install()
        if order.compose is not None:
            await remote.upload(kept_path(digest_of(order.compose)), order.compose)
        await remote.upload(f".ci/plans/{run_id}", render_plan(order.plan))
        await _start(remote, script, run_id, order)
    return await _follow(remote, script, run_id, order)


async def _start(remote: Remote, script: str, run_id: str, order: Order) -> None:
    """Begin the run; a link lost here is followed up, as the run may have begun."""
    command = shlex.join(["sh", script, "start", remote.directory, run_id])
    stdin = _login(order.credentials) + b"\nend\n"
    try:
        ran = await (await remote.host()).run(command, stdin=stdin, timeout_s=START_S)
    except LOST:
        await remote.close()
        return
    nonce = order.plan.get("nonce")
    if f"{nonce} started {run_id}" in ran.text.splitlines():
        return
    if error := error_of_start(remote.masked(ran.text).splitlines()):
        raise error
    said = remote.masked(ran.text or ran.error_text)[-200:]
    raise RemoteShell(
        f"the server did not begin the run (exit {ran.exit_status}): {said!a}",
        remedy="see what the account's shell does with: sh -c 'echo ok'",
    )


def _login(credentials: Credentials | None) -> bytes:
    if credentials is None:
        return b""
    return base64.b64encode(f"{credentials.user}:{credentials.password}".encode())


async def _follow(remote: Remote, script: str, run_id: str, order: Order) -> Transcript:
    transcript = Transcript(order.plan.get("nonce"))
    begun, lost = remote.clock.monotonic_s(), 0
    while True:
        status: int | None = None
        try:
            status = await _follow_once(remote, script, run_id, transcript)
        except LOST as error:
            lost_error: PipelineError = error
        else:
            lost_error = LinkLost(
                f"following the run ended with {status}", remedy="run: ./daggerw call status"
            )
        if transcript.has_ended or status == _DEAD:
            return transcript
        if status == _NO_RUN and not transcript.lines:
            await _start(remote, script, run_id, order)
        lost += 1
        if remote.clock.monotonic_s() - begun > order.limit_s:
            lost_error.state = State.S7
            raise lost_error
        await remote.close()
        remote.progress.note(f"     {lost_error.cause}; the run goes on, connecting again")
        await remote.clock.sleep(PAUSES_S[min(lost, len(PAUSES_S)) - 1])


async def _follow_once(
    remote: Remote, script: str, run_id: str, transcript: Transcript
) -> int | None:
    """Follow over one connection; the exit status of following, None when it was cut."""
    follow = shlex.join(["sh", script, "follow", remote.directory, run_id])
    transcript.start_again()
    host, status = await remote.host(), None
    async for raw in host.lines(f"{follow}; echo {transcript.nonce} followed $?"):
        line = parse_line(transcript.nonce, remote.masked(raw))
        if line and line.kind == "followed":
            status = int(line.text) if line.text.isdigit() else None
        elif (new := transcript.add(remote.masked(raw))) and (text := render_line(new)):
            remote.progress.note(text)
    return status
