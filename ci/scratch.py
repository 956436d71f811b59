"""Images on scratch: Dagger gives them the platform of its own machine, whatever was asked for.

Seen with v0.21.8, where no RUN follows the last FROM scratch: what names the platform is lost. The
image is then made anew from its files and its configuration.
"""

import dagger
from dagger import dag

from ci.errors import BuildFailed
from ci.oci.platform import Platform


async def on_platform(
    image: dagger.Container, platform: Platform, untold: tuple[str, ...]
) -> dagger.Container:
    """The image itself where it has the platform that it was built for, else the same on that.

    Args:
        untold: instructions whose settings would be lost, since Dagger does not tell them.
    Raises:
        BuildFailed: there are such.
    """
    wanted = dagger.Platform(str(platform))
    if (its := await image.platform()) == wanted:
        return image
    if untold:
        raise BuildFailed(
            f"Dagger makes an image on scratch for {its} instead of {platform}, and does not tell"
            f" what its {', '.join(untold)} say, to make it anew",
            remedy=f"leave {', '.join(untold)} out, let the last stage stand on another image, or"
            " publish with CI_ENGINE=embedded",
        )
    return await _with_settings_of(
        image, dag.container(platform=wanted).with_rootfs(image.rootfs())
    )


async def _with_settings_of(image: dagger.Container, made: dagger.Container) -> dagger.Container:
    for setting in await image.env_variables():
        made = made.with_env_variable(await setting.name(), await setting.value())
    for label in await image.labels():
        made = made.with_label(await label.name(), await label.value())
    for port in await image.exposed_ports():
        made = made.with_exposed_port(await port.port(), protocol=await port.protocol())
    if user := await image.user():
        made = made.with_user(user)
    if workdir := await image.workdir():
        made = made.with_workdir(workdir)
    if entrypoint := await image.entrypoint():
        made = made.with_entrypoint(entrypoint)
    if args := await image.default_args():
        made = made.with_default_args(args)
    return await _with_healthcheck(made, image)


async def _with_healthcheck(made: dagger.Container, image: dagger.Container) -> dagger.Container:
    check = image.docker_healthcheck()
    try:
        args = await check.args()
    except dagger.InvalidQueryError:
        # There is none, and the client has no word for that.
        return made
    return made.with_docker_healthcheck(
        args,
        shell=await check.shell(),
        interval=await check.interval(),
        timeout=await check.timeout(),
        start_period=await check.start_period(),
        start_interval=await check.start_interval(),
        retries=await check.retries(),
    )
