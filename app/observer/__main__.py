"""Start the service: `python -m observer`."""

import os
import sys

import uvicorn

from observer.service import create_service
from observer.settings import SettingsInvalid, parse_settings

# Longer than a check of the database may take, shorter than the 10 s Docker waits before it kills.
FINISH_REQUESTS_S = 5


def main() -> int:
    """Serve until SIGTERM; exit 2 when the environment cannot be used."""
    try:
        settings = parse_settings(os.environ)
    except SettingsInvalid as error:
        print(error, file=sys.stderr)
        return 2
    uvicorn.run(
        create_service(settings),
        host="0.0.0.0",  # noqa: S104 - a container is reached from outside it
        port=settings.port,
        # Probes ask every few seconds: a line each would push the lines that matter out of sight.
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_REQUESTS_S,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
