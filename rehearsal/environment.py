"""The file that says how to reach the rehearsal: shells source it, tests read it."""

import shlex

from rehearsal.layout import READER, WRITER, Layout
from rehearsal.ports import Ports


def write_environment(layout: Layout, ports: Ports, *, docker_host: str, own: bool) -> None:
    """Write the file that shells source and tests read."""
    values = {
        "DOCKER_HOST": docker_host,
        "REHEARSAL_OWN_ENGINE": docker_host if own else "",
        "REHEARSAL_REGISTRY": f"localhost:{ports.target}",
        "REHEARSAL_MIRROR": f"localhost:{ports.mirror}",
        "REHEARSAL_USER": WRITER,
        "REHEARSAL_TOKEN_FILE": str(layout.token_file(WRITER)),
        "REHEARSAL_READER": READER,
        "REHEARSAL_READER_TOKEN_FILE": str(layout.token_file(READER)),
    }
    lines = [f"{key}={shlex.quote(value)}\n" for key, value in values.items()]
    layout.environment.write_text("".join(lines))


def read_environment(layout: Layout) -> dict[str, str]:
    """What `write_environment` wrote; empty where nothing was set up."""
    if not layout.environment.exists():
        return {}
    pairs = (line.partition("=") for line in layout.environment.read_text().splitlines())
    return {key: "".join(shlex.split(value)) for key, _, value in pairs}
