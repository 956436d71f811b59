"""A team's own pipeline, which releases by the module that it depends on."""

import dagger
from dagger import dag, function, object_type


@object_type
class Theirs:
    @function(cache="never")
    async def ship(
        self,
        source: dagger.Directory,
        image: str,
        user: str,
        token: dagger.Secret,
        via: dagger.Service,
        tag: str,
    ) -> str:
        """Publish, then verify what was published."""
        ci = dag.ci(source=source, image=image, user=user, token=token, via=via)
        reference = await ci.publish(tag)
        await ci.verify(tag)
        return reference
