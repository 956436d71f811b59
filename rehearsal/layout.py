"""Where the rehearsal of one checkout keeps what it makes, and the names that are its alone."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

# A unix socket's path holds 107 bytes; the daemon puts containerd/containerd-debug.sock and
# libnetwork/<id>.sock below its runtime directory.
LONGEST_RUNTIME_PATH = 107 - 40

WRITER = "rehearsal"
READER = "reader"


@dataclass(frozen=True, slots=True)
class Layout:
    """The rehearsal's folders and names; two checkouts on one machine never share any."""

    checkout: Path

    @property
    def state(self) -> Path:
        """Everything that `make clean` removes."""
        return self.checkout / ".local" / "rehearsal"

    @property
    def log(self) -> Path:
        """One log a service."""
        return self.state / "log"

    @property
    def identity(self) -> str:
        """Eight characters that are this checkout's own."""
        return hashlib.sha256(str(self.checkout).encode()).hexdigest()[:8]

    @property
    def bridge(self) -> str:
        """The network interface of our Docker; names are at most 15 characters."""
        return f"ci-{self.identity}"

    @property
    def runtime(self) -> Path:
        """Docker's sockets: in the checkout, or in /run where its path is too long for one."""
        inside = self.state / "docker" / "run"
        if len(str(inside).encode()) <= LONGEST_RUNTIME_PATH:
            return inside
        return Path("/run") / f"ci-rehearsal-{self.identity}"

    @property
    def docker_host(self) -> str:
        """The address of the Docker daemon that we start."""
        return f"unix://{self.runtime}/docker.sock"

    @property
    def environment(self) -> Path:
        """The sourceable file that says how to reach everything."""
        return self.state / "env"

    def token_file(self, user: str) -> Path:
        """The file, readable by its owner alone, with the password of `user`."""
        return self.state / f"token-{user}"
