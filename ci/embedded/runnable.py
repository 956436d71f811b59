"""Images that commands can run on and be committed over."""

from __future__ import annotations

from ci.embedded.docker import Docker, DockerError
from ci.embedded.errors import EngineError
from ci.embedded.session import IMAGES, Session
from ci.embedded.store import key_of

MAX_LAYERS = 100  # overlay2 takes 128


async def runnable_image(session: Session, image: str, *, mounted: set[str]) -> str:
    """The image, or a flat copy where commands would lose data or room.

    What is written below a VOLUME is not in a commit, and layers are limited.
    """
    docker = await session.docker()
    facts = await docker.image(image)
    if facts is None:
        raise EngineError(f"image {image} is gone from the Docker engine")
    volumes = set(facts["Config"].get("Volumes") or ()) - mounted
    if not volumes and len(facts["RootFS"].get("Layers") or ()) <= MAX_LAYERS:
        return image
    return await session.once(f"flat:{image}", lambda: _flatten(session, docker, image))


async def _flatten(session: Session, docker: Docker, image: str) -> str:
    key = key_of("flat", await session.engine_key(), image)
    if (found := session.store.get(key)) and await docker.image(found):
        return str(found)
    session.log(f"flatten {image[:19]}")
    container = await session.container({"Image": image, "Entrypoint": ["/none"]})
    try:
        tar = await docker.download(f"/containers/{container}/export")
        flat = await docker.import_tar(tar, repository=IMAGES, tag=key[:32])
    except DockerError as error:
        raise EngineError(f"cannot flatten {image}: {error}") from error
    finally:
        await session.remove(container)
    session.store.put(key, flat, image=flat)
    return flat
