"""Publishes one release and says what came of it: a process of its own, for tests that kill it.

usage: python -m tests.faults.publish_once ADDRESS TARGET PATH TAG, credentials as JSON on stdin
"""

import asyncio
import json
import sys

from ci.decisions.credentials import Credentials
from tests.faults.bench import Bench
from tests.faults.proxy import FaultProxy


def main(address: str, target: str, path: str, tag: str) -> None:
    user, password = json.load(sys.stdin)
    proxy = FaultProxy(target)
    proxy.port = int(address.rpartition(":")[2])  # the test's own, which listens already
    owner = Credentials(user, password)
    done = asyncio.run(Bench(proxy, target, path, owner, owner).publish(tag))
    print(done.digest)


if __name__ == "__main__":
    main(*sys.argv[1:])
