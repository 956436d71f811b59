"""Container: configuration is a value, the file system is lazy."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import httpx

from ci.embedded import images
from ci.embedded.config import ImageConfig, expand as expand_variables
from ci.embedded.errors import EngineError, Unsupported
from ci.embedded.execute import Command, Executed
from ci.embedded.lazy import Lazy
from ci.embedded.mounts import CacheMount, DirectoryMount, Mount, SecretMount
from ci.embedded.patterns import Filter
from ci.embedded.registry import RegistryError, parse_reference
from ci.embedded.rootfs import Pulled, Rootfs, Written, resolve_owner
from ci.embedded.tree import Entry, Tree, clean
from ci.embedded.types.container_config import Configured
from ci.embedded.types.directory import KINDS, Directory
from ci.embedded.types.file import File
from ci.embedded.types.secret import CacheVolume, Secret
from ci.embedded.types.service import ContainerService, Service


@dataclass(frozen=True, eq=False, kw_only=True)
class Container(Configured):
    """An image in the making."""

    typename: ClassVar[str] = "Container"
    filesystem: Rootfs
    mounted: tuple[Mount, ...] = ()
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
                lambda: self.session.registries.resolve(reference, self.platform),
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
            raise EngineError("Image reference can only be retrieved immediately after the 'Container.From' call")
        return self.reference

    # Commands ---------------------------------------------------------------------------

    def with_exec(
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
        return [f"{alias}:{await service.start_for_containers()}" for alias, service in self.bindings]

    # Files ------------------------------------------------------------------------------

    async def read(self, path: str) -> tuple[Entry, Tree]:
        """The entry at an absolute path and the tree below it."""
        covering = [mount for mount in self.mounted if mount.covers(path)]
        if covering:
            return await max(covering, key=lambda mount: len(mount.path)).read(path)
        return await self.filesystem.read(path)

    def directory(self, path: str, expand: bool = False) -> Directory:
        path = self.absolute(path, expand=expand)

        async def read() -> Tree:
            await self.filesystem.evaluate()
            entry, tree = await self.read(path)
            if entry.kind != "d":
                raise EngineError(f"path {path} is a file, not a directory")
            return tree

        return Directory(self.session, Lazy(read), path)

    def rootfs(self) -> Directory:
        return self.directory("/")

    def file(self, path: str, expand: bool = False) -> File:
        path = self.absolute(path, expand=expand)

        async def read() -> Entry:
            await self.filesystem.evaluate()
            entry, _ = await self.read(path)
            if entry.kind != "f":
                raise EngineError(f"path {path} is a directory, not a file")
            return entry

        return File(self.session, Lazy(read), posixpath.basename(path))

    async def exists(self, path: str, expected_type: str | None = None) -> bool:
        try:
            entry, _ = await self.read(self.absolute(path))
        except EngineError:
            return False
        return expected_type is None or KINDS.get(expected_type) == entry.kind

    def with_directory(
        self,
        path: str,
        source: Directory,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        owner: str = "",
        expand: bool = False,
    ) -> Container:
        where = clean(self.absolute(path, expand=expand))

        async def write() -> Tree:
            tree = await source.tree
            tree = tree.filtered(Filter(include, exclude)) if include or exclude else tree
            entries = {posixpath.join(where, below): entry for below, entry in tree}
            if where and (owner or not entries):
                entries[where] = Entry("d", 0o755)
            return await self._owned(Tree(entries), owner)

        return self._written(where, write)

    def with_file(
        self, path: str, source: File, permissions: int | None = None, owner: str = "", expand: bool = False
    ) -> Container:
        where = self.absolute(path, expand=expand)
        where = clean(posixpath.join(where, source.basename) if path.endswith("/") else where)

        async def write() -> Tree:
            entry = await source.entry
            entry = entry._replace(mode=entry.mode if permissions is None else permissions)
            return await self._owned(Tree({where: entry}), owner)

        return self._written(where, write)

    def with_new_file(
        self, path: str, contents: str, permissions: int = 0o644, owner: str = "", expand: bool = False
    ) -> Container:
        file = File.new(self.session, posixpath.basename(path), contents, permissions)
        return self.with_file(path, file, owner=owner, expand=expand)

    async def _owned(self, tree: Tree, owner: str) -> Tree:
        if not owner:
            return tree
        uid, gid = await resolve_owner(self.filesystem, owner)
        return tree.mapped(lambda entry: entry._replace(uid=uid, gid=gid))

    def _written(self, where: str, write: images.Make[Tree]) -> Container:
        for mount in self.mounted:
            if mount.covers("/" + where):
                return self._written_to_mount(mount, write)
        return replace(self, filesystem=Written(self.session, self.filesystem, Lazy(write)))

    def _written_to_mount(self, mount: Mount, write: images.Make[Tree]) -> Container:
        if not isinstance(mount, DirectoryMount):
            raise Unsupported(f"writing into the mount at {mount.path} through the API")

        async def merged() -> Tree:
            prefix = clean(mount.path) + "/"
            written = await write()
            inside = {path.removeprefix(prefix): entry for path, entry in written if path.startswith(prefix)}
            return (await mount.tree).with_tree("", Tree(inside).completed())

        after = replace(mount, tree=Lazy(merged))
        return replace(self, mounted=tuple(after if m is mount else m for m in self.mounted))

    # Mounts and secrets -----------------------------------------------------------------

    def with_mounted_directory(
        self, path: str, source: Directory, owner: str = "", read_only: bool = False, expand: bool = False
    ) -> Container:
        return self._mount(DirectoryMount(self.absolute(path, expand=expand), source.tree, owner, read_only))

    def with_mounted_cache(
        self, path: str, cache: CacheVolume, sharing: str = "SHARED", owner: str = "", expand: bool = False
    ) -> Container:
        return self._mount(CacheMount(self.absolute(path, expand=expand), cache.name, sharing, owner))

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
        return replace(self.without_mount(added.path), mounted=(*self.without_mount(added.path).mounted, added))

    def with_secret_variable(self, name: str, secret: Secret) -> Container:
        return replace(self, secret_env=(*self.without_secret_variable(name).secret_env, (name, secret)))

    def without_secret_variable(self, name: str) -> Container:
        return replace(self, secret_env=tuple(pair for pair in self.secret_env if pair[0] != name))

    # Services ---------------------------------------------------------------------------

    def with_service_binding(self, alias: str, service: Service) -> Container:
        return replace(self, bindings=(*self.bindings, (alias, service)))

    def as_service(self, args: Sequence[str] = (), use_entrypoint: bool = False) -> ContainerService:
        command = list(args or self.config.args)
        # As Dagger does: arguments of the caller's own replace the entrypoint as well.
        if use_entrypoint or not (args or self.has_own_args):
            command = [*self.config.entrypoint, *command]
        if not command:
            raise EngineError("no service command has been set")
        return ContainerService(self.session, container=self, command=tuple(command))

    # Images -----------------------------------------------------------------------------

    def with_registry_auth(self, address: str, username: str, secret: Secret) -> Container:
        self.session.logins[address.partition("/")[0]] = (username, secret.value)
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
        return File(self.session, Lazy(lambda: images.tarball(self.session, variants)), "container.tar")

    async def export(
        self,
        path: str,
        platform_variants: Sequence[Container] = (),
        forced_compression: str | None = None,
        media_types: str = "OCIMediaTypes",
    ) -> str:
        return await self.as_tarball(platform_variants, forced_compression, media_types).export(path)


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


