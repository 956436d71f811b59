"""How a command gets secret variables without any configuration or image holding them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ci.embedded.mounts import private_file
from ci.embedded.session import Session

if TYPE_CHECKING:
    from ci.embedded.types.secret import Secret

ENV_FILE = "/dev/.ci-embedded-env"
SHELL = "/bin/sh"


async def launched(
    session: Session, command: Iterable[str], secrets: Iterable[tuple[str, Secret]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """The command to run and the mounts that it needs, for ``HostConfig.Mounts``.

    The variables come from a file in memory that a shell reads before it becomes the command.
    """
    lines = [f"export {name}={shlex.quote(await secret.plaintext())}\n" for name, secret in secrets]
    if not lines:
        return list(command), []
    file = private_file(session, "".join(lines), mode=0o444)
    mount = {"Type": "bind", "Source": file, "Target": ENV_FILE, "ReadOnly": True}
    return [SHELL, "-c", f'. {ENV_FILE}; exec "$@"', "sh", *command], [mount]
