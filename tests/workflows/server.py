"""The repository's settings for a stack on the rehearsal server."""

import re
from pathlib import Path

from tests.server.driver import COMPOSE, Stack
from tests.workflows.origin import Origin

SETTINGS = """\
[deploy]
compose = "compose.yaml"
project = "{project}"
service = "web"
version_path = "/version"
version_key = "tag"
window_s = 1
probes = 2

[hosts.production]
address = "{address}"
port = {port}
user = "{user}"
directory = "{directory}"
known_hosts = "known_hosts"

"""


def settle(origin: Origin, stack: Stack) -> None:
    """Commit what a team writes into its repository for its server."""
    server = stack.remote.server
    written = SETTINGS.format(
        project=stack.project,
        address=server["SERVER_HOST"],
        port=server["SERVER_PORT"],
        user=server["SERVER_USER"],
        directory=stack.directory,
    )
    settings = origin.folder / "ci.toml"
    text = re.sub(r"# What runs on a server.*?(?=\[tags\])", "", settings.read_text(), flags=re.S)
    settings.write_text(text.replace("[tags]", written + "[tags]"))
    (origin.folder / "compose.yaml").write_text(COMPOSE)
    known = Path(server["SERVER_KNOWN_HOSTS"]).read_text()
    (origin.folder / "known_hosts").write_text(known)
    origin.git("add", "--all")
    origin.git("commit", "--quiet", "--message", "The server")
