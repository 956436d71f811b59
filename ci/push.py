"""Push: the engine sends the images of all platforms under the moving tag `unverified`."""

import dagger

from ci.access import Access
from ci.decisions.tags import UNVERIFIED
from ci.engine import ENGINE_ERRORS, engine_error, marks_of
from ci.errors import LayerTooLarge, PushFailed
from ci.oci.digest import Digest, parse_digest
from ci.oci.reference import Reference
from ci.ports import Registry

_TOO_LARGE = "LAYER_TOO_LARGE"
_SMALLER = (
    "split the RUN or COPY that makes it: ./daggerw call build with-exec --args du,-xd1,/ stdout"
)


async def push_images(images: list[dagger.Container], access: Access, registry: Registry) -> Digest:
    """Push one image, or an index of several.

    Returns:
        the digest of what was pushed.
    Raises:
        RefusedError, UnavailableError: what the registry itself says when asked why.
        LayerTooLarge: the registry takes no layer of that size.
        PushFailed: the registry would allow it, and the engine failed all the same.
        EngineUnavailable: the engine went away.
    """
    first, *others = images
    if access.token:
        first = first.with_registry_auth(access.repository.registry, access.user, access.token)
    try:
        pushed = await first.publish(
            str(Reference(access.repository, UNVERIFIED)),
            platform_variants=others,
            # The registry may hold the same layer in another compression; one is enough.
            forced_compression=dagger.ImageLayerCompression.Gzip,
            registry_service=access.via,
        )
    except ENGINE_ERRORS as error:
        named = _too_large if _TOO_LARGE in marks_of(error) else _failed
        found = engine_error(error, named, secret=access.plain_token)
        if isinstance(found, PushFailed):
            # The engine's wording is no contract: the registry is asked instead.
            await registry.probe_push()
        raise found from error
    return parse_digest(pushed.rpartition("@")[2])


def _too_large(text: str) -> LayerTooLarge:
    return LayerTooLarge(text, remedy=_SMALLER)


def _failed(text: str) -> PushFailed:
    return PushFailed(
        f"the engine could not push:\n    {text}",
        remedy="run the same again; what was built is kept",
    )
