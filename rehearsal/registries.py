"""The two registries and the token server, as processes: Debian's docker-registry and ours."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

from rehearsal.credentials import certificate_file
from rehearsal.layout import Layout
from rehearsal.ports import Ports
from rehearsal.processes import Daemon, stop
from rehearsal.settings import token_auth, write_registry, write_token_server

NAMES = ("target", "mirror", "tokens")


def start_registries(layout: Layout, ports: Ports) -> list[str]:
    """Make all three run; return the names of those that had to be started."""
    storage = layout.state / "registry"
    auth = token_auth(layout, ports, certificate_file(layout))
    mirror = write_registry(
        layout,
        "mirror",
        listen=f"127.0.0.1:{ports.mirror}",
        storage=storage / "mirror",
        further={},
    )
    target = write_registry(
        layout,
        "target",
        listen=f"127.0.0.1:{ports.target}",
        storage=storage / "target",
        further=auth,
    )
    tokens = write_token_server(layout, address="127.0.0.1", port=ports.tokens)
    server = (sys.executable, "-m", "rehearsal.token_server", str(tokens))
    daemons = (
        Daemon("tokens", server, layout, lambda: status_of(ports.tokens, "/token") == 400),
        Daemon("mirror", _serve(mirror), layout, lambda: status_of(ports.mirror, "/v2/") == 200),
        Daemon("target", _serve(target), layout, lambda: status_of(ports.target, "/v2/") == 401),
    )
    return [daemon.name for daemon in daemons if daemon.ensure()]


def stop_registries(layout: Layout) -> list[str]:
    """Stop what runs of the three; return the names."""
    return [name for name in NAMES if stop(layout, name)]


def status_of(port: int, path: str) -> int | None:
    """The HTTP status that a service on loopback answers; None when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=2) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


def _serve(settings: Path) -> tuple[str, ...]:
    return ("docker-registry", "serve", str(settings))
