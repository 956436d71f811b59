"""The rehearsal's server, and the images that are deployed there."""

import os
from dataclasses import dataclass
from pathlib import Path

from bench.ground import CHECKOUT
from rehearsal.environment import read_environment
from rehearsal.layout import Layout
from rehearsal.server_proxy import publish_proxy
from tests.clients import Client, Credentials, client
from tests.server.conftest import started
from tests.server.images import Maker, maker_with_base


@dataclass(frozen=True)
class Served:
    """How to reach the server, and what makes images in a repository of this run's own."""

    server: dict[str, str]
    credentials: Credentials
    skopeo: Client
    maker: Maker
    docker_host: str


def served(folder: Path) -> Served:
    """Start the server where it does not run."""
    layout = Layout(CHECKOUT)
    known = read_environment(layout)
    publish_proxy(layout, known)
    credentials = Credentials(known["REHEARSAL_USER"], Path(known["REHEARSAL_TOKEN_FILE"]))
    skopeo = client("skopeo", folder, {"REGISTRY_AUTH_FILE": str(folder / "config.json")})
    target = known["REHEARSAL_REGISTRY"]
    skopeo.log_in(target, credentials)
    repository = f"{target}/bench/{os.urandom(4).hex()}"
    maker = maker_with_base(folder, skopeo, known["REHEARSAL_MIRROR"], repository)
    return Served(started("classic"), credentials, skopeo, maker, known["DOCKER_HOST"])
