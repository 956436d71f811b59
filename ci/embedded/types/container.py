"""Container: configuration is a value, the file system is lazy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import httpx

from ci.embedded import images
from ci.embedded.command import Command
from ci.embedded.config import ImageConfig
from ci.embedded.config import expand as expand_variables
from ci.embedded.errors import EngineError
from ci.embedded.execute import Executed
from ci.embedded.lazy import Lazy
from ci.embedded.mounts import CacheMount, DirectoryMount, Mount, SecretMount
from ci.embedded.pull import resolve
from ci.embedded.reference import RegistryError, parse_reference
from ci.embedded.rootfs import Pulled
from ci.embedded.tree import Tree
from ci.embedded.types.container_files import WithFiles
from ci.embedded.types.directory import Directory
from ci.embedded.types.file import File
from ci.embedded.types.secret import CacheVolume, Secret
from ci.embedded.types.service import ContainerService, Service


@dataclass(frozen=True, eq=False, kw_only=True)
class Container(WithFiles):
    """An image in the making."""

    typename: ClassVar[str] = "Container"
    bindings: tuple[tuple[str, Service], ...] = ()
    secret_env: tuple[tuple[str, Secret], ...] = ()
    executed: Executed | None = None
    reference: str = ""

    # From a registry --------------------------------------------------------------------

    async def from_(self, address: str, registry_service: Service | None = None) -> Container:
        reference = parse_reference(address)
        if registry_service is not None:
            dialled = reference.repository._replace(via=await registry_service.address())
            reference = reference._replace(repository=dialled)
        try:
            digest, image = await self.session.once(
                f"resolve:{address}:{self.platform}",
                lambda: resolve(self.session.registries, reference, self.platform),
            )
        except (RegistryError, httpx.HTTPError) as error:
            where = f'image "{address}" (platform: "{self.platform}")'
            raise EngineError(f"failed to resolve {where}: {address}: {error}") from error
        host, path, _ = reference.repository
        tag = f":{reference.tag}" if reference.tag else ""
        return replace(
            self,
            config=ImageConfig.parse(image.config.get("config") or {}),
            filesystem=Pulled(self.session, image, self.platform),
            executed=None,
            reference=f"{host}/{path}{tag}@{digest}",
        )

    def image_ref(self) -> str:
        if not self.reference:
            raise EngineError(
                "Image reference can only be retrieved immediately after the 'Container.From' call"
            )
        return self.reference

    # Commands ---------------------------------------------------------------------------

    def with_exec(  # noqa: PLR0913 - the API's arguments
        self,
        args: Sequence[str],
        use_entrypoint: bool = False,
        stdin: str = "",
        redirect_stdin: str = "",
        redirect_stdout: str = "",
        redirect_stderr: str = "",
        expect: str = "SUCCESS",
        expand: bool = False,
        no_init: bool = False,
    ) -> Container:
        command = list(args) or list(self.config.args)
        if use_entrypoint:
            command = [*self.config.entrypoint, *command]
        if not command:
            raise EngineError("no command has been set")
        if expand:
            command = [expand_variables(arg, self.config.env) for arg in command]
        executed = Executed(
            self,
            Command(
                args=tuple(command),
                stdin=stdin,
                redirect_stdin=redirect_stdin,
                redirect_stdout=redirect_stdout,
                redirect_stderr=redirect_stderr,
                expect=expect,
                no_init=no_init,
            ),
        )
        mounted = tuple(_after(mount, executed) for mount in self.mounted)
        return replace(self, filesystem=executed, executed=executed, mounted=mounted)

    async def _outcome(self, name: str) -> str | int:
        if self.executed is None:
            raise EngineError("no command has been set")
        value: str | int = (await self.executed.result())[name]
        return value

    async def stdout(self) -> str | int:
        return await self._outcome("stdout")

    async def stderr(self) -> str | int:
        return await self._outcome("stderr")

    async def combined_output(self) -> str | int:
        return await self._outcome("combined")

    async def exit_code(self) -> str | int:
        return await self._outcome("exit_code")

    async def sync(self) -> str:
        await self.filesystem.evaluate()
        return self.id()

    def secrets(self) -> list[Secret]:
        """Every secret that a command of this container may see."""
        mounted = [mount.secret for mount in self.mounted if isinstance(mount, SecretMount)]
        return [*(secret for _, secret in self.secret_env), *mounted]

    async def extra_hosts(self) -> list[str]:
        """Names under which services are reached, for ``HostConfig.ExtraHosts``."""
        return [
            f"{alias}:{await service.start_for_containers()}" for alias, service in self.bindings
        ]

    # Mounts and secrets -----------------------------------------------------------------

    def with_mounted_directory(
        self,
        path: str,
        source: Directory,
        owner: str = "",
        read_only: bool = False,
        expand: bool = False,
    ) -> Container:
        return self._mount(
            DirectoryMount(self.absolute(path, expand=expand), source.tree, owner, read_only)
        )

    def with_mounted_cache(
        self,
        path: str,
        cache: CacheVolume,
        sharing: str = "SHARED",
        owner: str = "",
        expand: bool = False,
    ) -> Container:
        return self._mount(
            CacheMount(self.absolute(path, expand=expand), cache.name, sharing, owner)
        )

    def with_mounted_secret(
        self, path: str, source: Secret, owner: str = "", mode: int = 0o400, expand: bool = False
    ) -> Container:
        return self._mount(SecretMount(self.absolute(path, expand=expand), source, owner, mode))

    def without_mount(self, path: str, expand: bool = False) -> Container:
        path = self.absolute(path, expand=expand)
        return replace(self, mounted=tuple(mount for mount in self.mounted if mount.path != path))

    def mounts(self) -> list[str]:
        return [mount.path for mount in self.mounted]

    def _mount(self, added: Mount) -> Container:
        return replace(
            self.without_mount(added.path), mounted=(*self.without_mount(added.path).mounted, added)
        )

    def with_secret_variable(self, name: str, secret: Secret) -> Container:
        return replace(
            self, secret_env=(*self.without_secret_variable(name).secret_env, (name, secret))
        )

    def without_secret_variable(self, name: str) -> Container:
        return replace(self, secret_env=tuple(pair for pair in self.secret_env if pair[0] != name))

    # Services ---------------------------------------------------------------------------

    def with_service_binding(self, alias: str, service: Service) -> Container:
        return replace(self, bindings=(*self.bindings, (alias, service)))

    def as_service(
        self, args: Sequence[str] = (), use_entrypoint: bool = False
    ) -> ContainerService:
        command = list(args or self.config.args)
        # As Dagger does: arguments of the caller's own replace the entrypoint as well.
        if use_entrypoint or not (args or self.has_own_args):
            command = [*self.config.entrypoint, *command]
        if not command:
            raise EngineError("no service command has been set")
        return ContainerService(self.session, container=self, command=tuple(command))

    # Images -----------------------------------------------------------------------------

    async def with_registry_auth(self, address: str, username: str, secret: Secret) -> Container:
        self.session.logins[address.partition("/")[0]] = (username, await secret.plaintext())
        return self

    def without_registry_auth(self, address: str) -> Container:
        self.session.logins.pop(address.partition("/")[0], None)
        return self

    async def publish(
        self,
        address: str,
        platform_variants: Sequence[Container] = (),
        forced_compression: str | None = None,
        media_types: str = "OCIMediaTypes",
        registry_service: Service | None = None,
    ) -> str:
        variants = images.variants(self, platform_variants, forced_compression, media_types)
        via = await registry_service.address() if registry_service else ""
        return await images.publish(self.session, variants, address, via=via)

    def as_tarball(
        self,
        platform_variants: Sequence[Container] = (),
        forced_compression: str | None = None,
        media_types: str = "OCIMediaTypes",
    ) -> File:
        variants = images.variants(self, platform_variants, forced_compression, media_types)
        return File(
            self.session, Lazy(lambda: images.tarball(self.session, variants)), "container.tar"
        )

    async def export(
        self,
        path: str,
        platform_variants: Sequence[Container] = (),
        forced_compression: str | None = None,
        media_types: str = "OCIMediaTypes",
    ) -> str:
        return await self.as_tarball(platform_variants, forced_compression, media_types).export(
            path
        )


def _after(mount: Mount, executed: Executed) -> Mount:
    """A mounted directory as the command leaves it."""
    if not isinstance(mount, DirectoryMount):
        return mount

    async def left() -> Tree:
        digest = (await executed.result())["mounts"][mount.path]
        tree = executed.session.store.tree(digest)
        if tree is None:
            raise EngineError(f"what the command left in {mount.path} is no longer in the store")
        return tree

    return mount.after(Lazy(left))
