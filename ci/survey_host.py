"""Looking at a server, for the audit: what it shows of itself, and the service's last health."""

import shlex

from ci.decisions.audit.evidence import HostSeen, Sample
from ci.decisions.audit.samples import parse_samples
from ci.decisions.placement import Deployment, Server
from ci.remote import Remote

_ASK_S = 30.0


async def survey_host(remote: Remote, server: Server, deployment: Deployment) -> HostSeen:
    """Look at the server; nothing is left there."""
    facts = await remote.look(deployment)
    ids = [each.id for each in facts.service]
    samples = await _samples(remote, ids[0]) if ids else ()
    address, directory = str(server.address), server.address.directory
    return HostSeen(address, directory, deployment.service, facts, samples)


async def _samples(remote: Remote, container: str) -> tuple[Sample, ...]:
    """Docker's own log of health checks: its last five."""
    words = ("docker", "inspect", "--format", "{{json .State.Health}}", "--", container)
    command = shlex.join(words)
    ran = await remote.patiently(lambda host: host.run(command, timeout_s=_ASK_S))
    return parse_samples(ran.text) if ran.exit_status == 0 else ()
