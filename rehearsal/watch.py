"""`python -m rehearsal.watch HOST:PORT/PATH [--once]`: ask a service over and over.

It asks ten times a second until it is told to end (SIGTERM), then prints how many answers failed.
"""

import argparse
import signal
import sys
import threading
import time
import urllib.request

PAUSE_S = 0.1
LIMIT_S = 5.0


def ask(where: str) -> str | None:
    """The body of a good answer; None for any other, or none at all."""
    try:
        with urllib.request.urlopen(f"http://{where}", timeout=LIMIT_S) as answer:
            return str(answer.read(65536).decode()) if answer.status == 200 else None
    except OSError:
        return None


def watch(where: str, ended: threading.Event) -> str:
    """Ask until `ended`; the counts in words."""
    asked = failed = 0
    begun = time.monotonic()
    while not ended.wait(PAUSE_S):
        asked += 1
        failed += ask(where) is None
    return f"{asked} answers in {time.monotonic() - begun:.0f} s, {failed} failed"


def main() -> int:
    """Watch, or ask once; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.watch", description=__doc__)
    parser.add_argument("where", help="HOST:PORT/PATH")
    parser.add_argument("--once", action="store_true", help="print one answer")
    arguments = parser.parse_args()
    if arguments.once:
        answer = ask(arguments.where)
        print("nothing" if answer is None else answer)
        return int(answer is None)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print(watch(arguments.where, ended))
    return 0


if __name__ == "__main__":
    sys.exit(main())
