"""Debian's registry with a password file instead of a token service."""

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.decisions.credentials import Credentials
from tests.clients import missing

OWNER = Credentials("owner", "correct horse")
# bcrypt of the password above, the only kind that this registry reads.
_HASH = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"
_SETTINGS = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}", relativeurls: true}}
auth: {{htpasswd: {{realm: registry, path: {folder}/htpasswd}}}}
log: {{level: error}}
"""


@contextmanager
def basic_registry(folder: Path, *, disk: str = "") -> Iterator[str]:
    """Run it; gives ``host:port``.

    Args:
        disk: size of the disk that it gets for itself, such as ``512k``; needs root.
    """
    if shutil.which("docker-registry") is None:
        missing("no docker-registry")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "htpasswd").write_text(f"{OWNER.user}:{_HASH}\n")
    (folder / "settings.yml").write_text(_SETTINGS.format(folder=folder, port=port))
    command = ["docker-registry", "serve", str(folder / "settings.yml")]
    if disk:
        # In a mount namespace of its own, which ends with it.
        (folder / "data").mkdir()
        mount = f"mount -t tmpfs -o size={disk} tmpfs {folder}/data"
        command = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://localhost:{port}/v2/")
            yield f"localhost:{port}"
        finally:
            process.kill()


def _wait_for(url: str) -> None:
    for _ in range(1000):
        try:
            urllib.request.urlopen(url, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
