"""Publishing: what the registry has afterwards, and an image as a file."""

import tarfile

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import (
    Json,
    base,
    config,
    fresh,
    logged_in,
    manifest,
    published,
    pulled,
    sh,
    target,
    tree,
)
from tests.engine.suite import mentions

PLATFORMS = ("linux/amd64", "linux/arm64")
GZIP = dagger.ImageLayerCompression.Gzip


async def publish_gives_the_reference(at: At) -> object:
    return await published(at, fresh(at).with_entrypoint(["cat"]), "one:1")


async def published_image_comes_back(at: At) -> object:
    made = fresh(at).with_new_file("/h", "round").with_env_variable("Z", "1").with_label("l", "v")
    made = made.with_workdir("/wd").with_exposed_port(81).with_exec(sh("echo E > /e"))
    found = pulled(at, await published(at, made, "round:1"))
    return [
        await found.file("/h").contents(),
        await found.file("/e").contents(),
        await found.env_variable("Z"),
        await found.label("l"),
        await found.workdir(),
        [await port.port() for port in await found.exposed_ports()],
        await found.with_exec(sh("cat /h /e")).stdout(),
    ]


async def published_twice_is_the_same(at: At) -> object:
    made = fresh(at).with_exec(sh("date +%N > /n"))
    references = [await published(at, made, "twice:1") for _ in range(2)]
    return references[0] == references[1]


async def published_under_two_tags_is_the_same(at: At) -> object:
    made = fresh(at).with_exec(sh("date +%N > /n"))
    references = [await published(at, made, f"tags:{tag}") for tag in ("a", "b")]
    return references[0].split("@")[1] == references[1].split("@")[1]


async def published_manifest(at: At) -> object:
    made = fresh(at).with_new_file("/h", "shape").with_annotation("org.a", "b")
    reference = await logged_in(at, made).publish(target(at, "shape:1"), forced_compression=GZIP)
    found = manifest(at, reference)
    media_types = sorted({layer["mediaType"] for layer in found["layers"]})
    return [found["mediaType"], found["config"]["mediaType"], media_types, found["annotations"]]


async def published_config(at: At) -> object:
    made = (
        fresh(at)
        .with_user("nobody")
        .with_workdir("/wd")
        .with_entrypoint(["e"])
        .with_default_args(["d"])
    )
    made = made.with_env_variable("A", "1").with_label("l", "v").with_exposed_port(81)
    found = config(at, await published(at, made, "config:1"))
    inner = found["config"]
    return [
        found["os"],
        inner["User"],
        inner["WorkingDir"],
        inner["Entrypoint"],
        inner["Cmd"],
        "A=1" in inner["Env"],
        inner["Labels"]["l"],
        inner["ExposedPorts"],
    ]


async def published_for_two_platforms(at: At) -> object:
    reference = await logged_in(at, dag.container()).publish(
        target(at, "multi:1"), platform_variants=_from_scratch()
    )
    found = manifest(at, reference)
    return [found["mediaType"], sorted(_platform(child) for child in found["manifests"])]


async def published_variants_keep_their_labels(at: At) -> object:
    """HEALTHCHECK, labels and annotations of a built image, as they must be released."""
    variants = [
        _checked(at, platform)
        .with_label("set", platform)
        .with_annotation("org.example.set", platform)
        for platform in PLATFORMS
    ]
    reference = await logged_in(at, dag.container()).publish(
        target(at, "labels:1"), platform_variants=variants, forced_compression=GZIP
    )
    return sorted(_kept(at, reference, child) for child in manifest(at, reference)["manifests"])


async def published_through_a_registry_service(at: At) -> object:
    """As the module does it with a registry on the user's machine."""
    return await logged_in(at, dag.container()).publish(
        target(at, "service:1"),
        platform_variants=_from_scratch(),
        registry_service=dag.address(f"tcp://{at.registry.address}").service(),
        forced_compression=GZIP,
    )


@mentions("401")
async def publish_with_a_wrong_token(at: At) -> object:
    token = dag.set_secret("wrong-token", "wrong")
    made = fresh(at).with_registry_auth(at.registry.address, at.registry.user, token)
    return await made.publish(target(at, "wrong:1"))


@mentions("401")
async def publish_without_a_token(at: At) -> object:
    return await fresh(at).publish(target(at, "wrong:1"))


@mentions("localhost:1")
async def publish_where_no_registry_is(at: At) -> object:
    return await base(at).publish("localhost:1/x/y:1")


async def image_as_a_tarball(at: At) -> object:
    target = at.scratch / "image.tar"
    await base(at).with_new_file("/h", "tar").as_tarball().export(str(target))
    return _entries(str(target))


async def image_exported(at: At) -> object:
    target = at.scratch / "exported.tar"
    answer = await base(at).with_new_file("/h", "exp").export(str(target))
    return [answer, _entries(str(target))]


def _from_scratch() -> list[dagger.Container]:
    return [
        dag.container(platform=dagger.Platform(name))
        .with_new_file("/f", name)
        .with_entrypoint(["/f"])
        for name in PLATFORMS
    ]


def _checked(at: At, platform: str) -> dagger.Container:
    dockerfile = (
        f"FROM {at.base}\nLABEL built=yes\n"
        'HEALTHCHECK --interval=7s --timeout=2s --retries=4 CMD ["true"]\n'
    )
    return tree({"Dockerfile": dockerfile}).docker_build(platform=dagger.Platform(platform))


def _kept(at: At, reference: str, child: Json) -> list[Json]:
    of_child = f"{reference.partition('@')[0]}@{child['digest']}"
    inner = config(at, of_child)["config"]
    annotations = manifest(at, of_child).get("annotations", {})
    return [
        _platform(child),
        inner["Labels"]["built"],
        inner["Labels"]["set"],
        inner["Healthcheck"],
        annotations.get("org.example.set"),
    ]


def _platform(descriptor: Json) -> str:
    return f"{descriptor['platform']['os']}/{descriptor['platform']['architecture']}"


def _entries(tarball: str) -> list[str]:
    with tarfile.open(tarball) as opened:
        names = {name.removeprefix("./").rstrip("/") for name in opened.getnames()}
    # Blobs are named by their digests, which no two engines share.
    return sorted(name for name in names if "sha256/" not in name and name)
