"""Two halves of the tests side by side: most of those of the server wait, others compute."""

import pytest
from xdist.scheduler import LoadScopeScheduling

# Not what hands the registry's token to processes in their environment (tests/calls), and not what
# looks at the environment of every process for it (tests/leaks): these two are never side by side.
OF_THE_SERVER = ("tests/foreign/", "tests/server/")


class Halves(LoadScopeScheduling):
    """One worker has the tests of the server, another all the others, each in their order.

    What the tests of one half share, such as the embedded engine's cache, the other half hardly
    touches; and each worker has a server of its own (tests/server/machine.py).
    """

    def _split_scope(self, nodeid: str) -> str:
        return "server" if nodeid.startswith(OF_THE_SERVER) else "all the others"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Halves:
    return Halves(config, log)
