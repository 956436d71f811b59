"""What an audit has seen, as it was seen: judged elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ci.decisions.server_facts import Facts
from ci.decisions.tags import ReleaseTag
from ci.decisions.tree import Tree
from ci.oci.digest import Digest
from ci.oci.reference import Repository


@dataclass(frozen=True, slots=True)
class RepositorySeen:
    """The repository: its workflow files, and its release tags with the commits that are known.

    `files` and `tags` are None where they could not be looked at.
    """

    files: Mapping[str, str] | None
    tags: tuple[ReleaseTag, ...] | None
    commits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleaseRead:
    """What a release tag holds in the registry.

    `fault` says why the tree could not be read; "" where it was.
    """

    tag: ReleaseTag
    digest: Digest | None
    tree: Tree | None
    fault: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything is there."""
        return (
            self.tree is not None
            and bool(self.tree.images)
            and not any(image.absent for image in self.tree.images)
        )


@dataclass(frozen=True, slots=True)
class RegistrySeen:
    """The registry: every tag's name, `latest`, its clock, and the releases.

    `stopped` is the version that `unverified` names, where no tag of that name is there.
    """

    repository: Repository
    names: tuple[str, ...]
    latest: Digest | None
    now: datetime
    releases: tuple[ReleaseRead, ...]
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One health check that Docker made: when, whether it was well, and what it said."""

    time: str
    is_well: bool
    output: str


@dataclass(frozen=True, slots=True)
class HostSeen:
    """The host: what it shows of itself, and the service's last health checks."""

    address: str
    directory: str
    service: str
    facts: Facts
    samples: tuple[Sample, ...] = ()
