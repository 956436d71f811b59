"""Build, check, publish, verify and deploy an image; nothing is done until it was seen."""

from typing import TYPE_CHECKING, Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, check, function, object_type

if TYPE_CHECKING:
    from ci.run import Run, World
    from ci.run_host import HostRun

Dirty = Annotated[bool, Doc("Publish although files of the build context are not committed.")]
Anyway = Annotated[bool, Doc("Publish although git's tag of this name is another commit.")]
HostName = Annotated[str, Doc("The [hosts.NAME] table of ci.toml; the only one when empty.")]
Key = Annotated[dagger.Secret, Doc("The private SSH key, such as file:deploy_key or env:SSH_KEY.")]
Known = Annotated[
    dagger.File | None,
    Doc("A known_hosts file with the keys the server may show; ci.toml's when left out."),
]
Adopt = Annotated[bool, Doc("Take over a service that somebody else started.")]
Replace = Annotated[
    bool, Doc("Go on although a compose file on the server differs, and replace that.")
]
Older = Annotated[bool, Doc("Deploy a release older than the running one.")]
NoRollback = Annotated[
    bool, Doc("Go on though the running release's image is gone from server and registry.")
]
NOT_SOURCE = [
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
    """A portable pipeline for one image: tag, build, check, publish, verify, deploy, roll back."""

    source: Annotated[
        dagger.Directory,
        Doc("The repository's files; ci.toml at its root says what is built."),
        DefaultPath("/"),
        Ignore(NOT_SOURCE),
    ]
    repo: Annotated[
        dagger.GitRepository | None,
        Doc("The history that names the image's revision; the source's own when not given."),
    ] = None
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
    link: Annotated[
        dagger.Service | None,
        Doc("Where the server is dialled instead, such as tcp://localhost:2222; same host keys."),
    ] = None
    format: Annotated[str, Doc("How results are written: table or json.")] = "table"

    def _world(self) -> "World":
        # Imported here: every call pays for what is imported at the top, even --help.
        from ci.adapters.clock import SystemClock
        from ci.adapters.console import open_console
        from ci.adapters.files import LocalFiles
        from ci.adapters.prober import HttpProber
        from ci.adapters.registry import open_registry
        from ci.adapters.script import read_script
        from ci.adapters.ssh import open_host
        from ci.run import World

        return World(
            SystemClock(),
            open_console(),
            LocalFiles(),
            HttpProber(),
            open_registry,
            open_host,
            read_script,
        )

    async def _run(self) -> "Run":
        from ci.run import Run

        return await Run.of(self, self._world())

    async def _host_run(
        self, host: str, key: dagger.Secret, known: dagger.File | None
    ) -> "HostRun":
        from ci.run_host import HostRun, Place

        return HostRun.of(await self._run(), Place(host, key, known, self.link))

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
        dirty: Dirty = False,
        anyway: Anyway = False,
    ) -> str:
        """Check, build, push, verify, then move the tag and latest; return the reference."""
        run = await self._run()
        return run.render(tag, await run.publish(tag, dirty=dirty, anyway=anyway))

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

    @function(cache="never")
    async def deploy(
        self,
        key: Key,
        tag: Annotated[str, Doc("The release tag; it is verified first.")] = "",
        digest: Annotated[
            str, Doc("The digest that the tag must have, or alone what is deployed.")
        ] = "",
        host: HostName = "",
        known: Known = None,
        plan: Annotated[bool, Doc("Show the steps and touch nothing.")] = False,
        adopt: Adopt = False,
        replace: Replace = False,
        older: Older = False,
        accept_no_rollback: NoRollback = False,
    ) -> str:
        """Bring a verified release onto a server by digest, and return the proof that it runs."""
        from ci.deploy import Consent

        run = await self._host_run(host, key, known)
        return await run.deploy(
            tag, digest, Consent(adopt, replace, older, accept_no_rollback), plan=plan
        )

    @function(cache="never")
    async def rollback(
        self,
        key: Key,
        tag: Annotated[
            str, Doc("A release of the server's ledger; the one before the running when empty.")
        ] = "",
        host: HostName = "",
        known: Known = None,
    ) -> str:
        """Bring back the last proven release before the running one, and return the proof."""
        run = await self._host_run(host, key, known)
        return await run.rollback(tag)

    @function(cache="never")
    async def recover(self, key: Key, host: HostName = "", known: Known = None) -> str:
        """End an interrupted deploy in the old or the new release, proven."""
        run = await self._host_run(host, key, known)
        return await run.recover()

    @function(cache="never")
    async def status(self, key: Key, host: HostName = "", known: Known = None) -> str:
        """Show registry, server and ledger side by side, as far as each can be reached."""
        run = await self._host_run(host, key, known)
        return await run.status()

    @function(cache="never")
    async def release(
        self,
        tag: Annotated[str, Doc("The release tag, YYYYMMDD-HHMMSS; see the function tag.")],
        key: Key,
        host: HostName = "",
        known: Known = None,
        dirty: Dirty = False,
        anyway: Anyway = False,
        adopt: Adopt = False,
        replace: Replace = False,
    ) -> str:
        """Publish, verify, deploy and prove; run again it goes on where it stopped."""
        from ci.deploy import Consent

        run = await self._host_run(host, key, known)
        return await run.release(tag, Consent(adopt, replace), dirty=dirty, anyway=anyway)

    @function(cache="never")
    async def audit(
        self,
        tag: Annotated[
            str, Doc("The release that the report is about; the newest one when empty.")
        ] = "",
        stage: Annotated[
            str, Doc("A stage that failed: the report ends with the command that repeats it.")
        ] = "",
        host: HostName = "",
        key: Annotated[
            dagger.Secret | None, Doc("The private SSH key; without it no host is looked at.")
        ] = None,
        known: Known = None,
    ) -> dagger.Directory:
        """Look at repository, registry and host against numbered rules; return the report.

        It works after any failure: what could not be looked at stands in the report.
        """
        from ci.audit import Asked, audit

        return await audit(self, self._world(), Asked(tag, stage, host, key, known, self.link))
