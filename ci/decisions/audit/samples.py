"""Docker's log of a container's health checks."""

import json

from ci.decisions.audit.evidence import Sample

_OUTPUT = 200


def parse_samples(text: str) -> tuple[Sample, ...]:
    """Read what ``docker inspect --format '{{json .State.Health}}'`` prints; none where it is odd.

    Shape: ``{"Log": [{"Start": "…", "ExitCode": 0, "Output": "…"}]}``, the newest last.
    """
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    log = found.get("Log") if isinstance(found, dict) else None
    entries = [each for each in log if isinstance(each, dict)] if isinstance(log, list) else []
    return tuple(
        Sample(
            str(each.get("Start", ""))[:19],
            each.get("ExitCode") == 0,
            str(each.get("Output", ""))[:_OUTPUT].strip(),
        )
        for each in entries
    )
