"""The proof: a container's image is the one that the registry holds under the digest."""

from collections.abc import Sequence
from dataclasses import dataclass

from ci.decisions.plan import Target
from ci.decisions.server_facts import Running
from ci.oci.text import shown
from ci.transaction_errors import ProofFailed, ProofLost


@dataclass(frozen=True, slots=True)
class Proof:
    """The running container, and by which of its names the server's Docker knows the image."""

    container: Running
    known_as: str


def judge_containers(found: Sequence[Running], service: str, target: Target) -> Proof:
    """Hold what the server's Docker shows against the digests that were read from the registry.

    A classic image store names an image by its config, containerd's by index or manifest; newer
    Dockers also say from which manifest a container was made.

    Raises:
        ProofLost: not one container of the service.
        ProofFailed: it is not running, or it runs something else.
    """
    if len(found) != 1:
        raise ProofLost(
            f"{len(found)} containers of {service} where one was proven",
            remedy="see who else runs compose on the server, then deploy again",
        )
    seen = found[0]
    names = _names_of(target)
    made_right = seen.manifest in ("", str(target.manifest))
    asked_right = seen.reference == target.reference
    if seen.status != "running" or seen.image not in names or not (made_right and asked_right):
        raise ProofFailed(
            f"{service} is {shown(seen.status)} with the image {shown(seen.image)}"
            f" ({shown(seen.reference, 200)}), not {target.reference}",
            remedy="see who else starts containers on the server, then deploy again",
        )
    return Proof(seen, names[seen.image])


def _names_of(target: Target) -> dict[str, str]:
    return {
        str(target.config): "config",
        str(target.manifest): "manifest",
        str(target.digest): "index",
    }
