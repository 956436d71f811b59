"""Docker's HEALTHCHECK: ask the service beside us, print what it said, exit 0 only for 200.

Only the standard library is imported, so a probe costs little; there is no curl in the image.
"""

import http.client
import os
import sys

# Below the HEALTHCHECK's own timeout, so that Docker's log keeps the reason.
LIMIT_S = 3.5
BODY_LIMIT_BYTES = 1024


def main() -> int:
    """Return 0 when `/health` answers 200, else 1."""
    port = int(os.environ.get("PORT") or 8000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        print(answer.status, answer.read(BODY_LIMIT_BYTES).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error!r}")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
