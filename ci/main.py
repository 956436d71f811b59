"""Build, check, publish and verify an image; nothing is done until the registry shows it."""

from typing import TYPE_CHECKING, Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

if TYPE_CHECKING:
    from ci.run import Run

NOT_SOURCE = [
    ".git",
    ".venv",
    ".local",
    "**/__pycache__",
    "**/.pytest_cache",
    "**/.mypy_cache",
    "**/.ruff_cache",
    "**/.hypothesis",
]


@object_type
class Ci:
    """A portable pipeline for one image: tag, build, check, publish, verify."""

    source: Annotated[
        dagger.Directory,
        Doc("The repository's files; ci.toml at its root says what is built."),
        DefaultPath("/"),
        Ignore(NOT_SOURCE),
    ]
    repo: Annotated[
        dagger.GitRepository,
        Doc("The repository's history: the revision that the image's labels name."),
        DefaultPath("/"),
    ]
    image: Annotated[str, Doc("registry/repository to release to; ci.toml's image when empty.")] = (
        ""
    )
    user: Annotated[
        str, Doc("User name at the registry; GitHub's takes any, so it may stay empty there.")
    ] = ""
    token: Annotated[
        dagger.Secret | None,
        Doc("Password or token for the registry, such as env:GITHUB_TOKEN or file:PATH."),
    ] = None
    via: Annotated[
        dagger.Service | None,
        Doc("A registry on this machine, such as tcp://localhost:5000."),
    ] = None
    format: Annotated[str, Doc("How results are written: table or json.")] = "table"

    async def _run(self) -> "Run":
        # Imported here: every call pays for what is imported at the top, even --help.
        from ci.adapters.clock import SystemClock
        from ci.adapters.console import Console
        from ci.adapters.files import LocalFiles
        from ci.adapters.prober import HttpProber
        from ci.adapters.registry import open_registry
        from ci.run import Run, World

        world = World(SystemClock(), Console(), LocalFiles(), HttpProber(), open_registry)
        return await Run.of(self, world)

    @function(cache="never")
    async def tag(self) -> str:
        """Mint a release tag from the clock: YYYYMMDD-HHMMSS in ci.toml's zone."""
        run = await self._run()
        return run.tag()

    @function(cache="never")
    async def build(
        self,
        platform: Annotated[
            str, Doc("The platform to build, such as linux/arm64; this machine's when empty.")
        ] = "",
    ) -> dagger.Container:
        """Build the source's image by its Dockerfile, with OCI labels and annotations."""
        run = await self._run()
        return await run.build(platform)

    @function(cache="never")
    @check
    async def check(self) -> str:
        """Run the test target, then start the image and ask for its health."""
        run = await self._run()
        return await run.check()

    @function(cache="never")
    async def publish(
        self,
        tag: Annotated[str, Doc("The release tag, YYYYMMDD-HHMMSS; see the function tag.")],
        dirty: Annotated[
            bool, Doc("Publish although files of the build context are not committed.")
        ] = False,
    ) -> str:
        """Check, build, push, verify, then move the tag and latest; return the reference."""
        run = await self._run()
        return await run.publish(tag, dirty=dirty)

    @function(cache="never")
    async def verify(
        self,
        tag: Annotated[str, Doc("The release tag to verify.")],
        digest: Annotated[
            str, Doc("The digest that the tag must have, sha256:...; any when empty.")
        ] = "",
    ) -> str:
        """Read a release's whole tree from the registry and judge it."""
        run = await self._run()
        return await run.verify(tag, digest)
