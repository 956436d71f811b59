"""Building by Dockerfile."""

import dagger
from dagger import dag

from tests.engine.at import At
from tests.engine.parts import base, tree
from tests.engine.suite import mentions

FILES = {"src/app.py": "print('app')\n", "src/a.txt": "a", "secret.pem": "never", "notes.md": "n"}
DOCKERFILE = """
FROM {base} AS build
ARG VERSION=dev
WORKDIR /app
COPY src/ src/
RUN echo "v=$VERSION" > out
FROM {base} AS unused
RUN exit 7
FROM {base} AS final
ENV KEPT=yes
LABEL org.test=1
COPY --from=build /app/out /srv/out
WORKDIR /srv
USER nobody
EXPOSE 8080
ENTRYPOINT ["cat"]
CMD ["/srv/out"]
"""
CROSS = """
FROM --platform=$BUILDPLATFORM {base} AS build
ARG TARGETPLATFORM TARGETARCH
RUN echo "$TARGETPLATFORM $TARGETARCH" > /target
FROM {base}
COPY --from=build /target /target
"""


async def build_final_stage(at: At) -> object:
    made = _source(at).docker_build(build_args=[dagger.BuildArg("VERSION", "1.2")], target="final")
    return [
        await made.file("/srv/out").contents(),
        await made.entrypoint(),
        await made.default_args(),
        await made.user(),
        await made.workdir(),
        await made.label("org.test"),
        await made.env_variable("KEPT"),
        await made.env_variable("VERSION"),
        await made.directory("/srv").entries(),
        [await port.port() for port in await made.exposed_ports()],
        await made.with_exec([], use_entrypoint=True).stdout(),
    ]


async def build_target(at: At) -> object:
    made = _source(at).docker_build(target="build")
    return [await made.file("/app/out").contents(), await made.directory("/app/src").entries()]


async def build_last_stage_by_itself(at: At) -> object:
    return await _source(at).docker_build().file("/srv/out").contents()


async def build_dockerfile_of_another_name(at: At) -> object:
    source = tree({"deploy/image.dockerfile": f"FROM {at.base}\nCOPY a /a\n", "a": "1"})
    return await source.docker_build(dockerfile="deploy/image.dockerfile").file("/a").contents()


async def build_context_without_what_dockerignore_names(at: At) -> object:
    dockerfile = f"FROM {at.base}\nCOPY . /context\n"
    ignored = "*.pem\nsrc/*\n!src/app.py\n"
    source = tree({**FILES, "Dockerfile": dockerfile, ".dockerignore": ignored})
    made = source.docker_build()
    return [
        await made.directory("/context").glob("*.pem"),
        await made.directory("/context/src").entries(),
        await made.directory("/context").exists("notes.md"),
    ]


async def build_for_two_platforms_without_emulation(at: At) -> object:
    """Dagger 0.21.8 takes the target's platform for the build platform: it has to be told."""
    source = tree({"Dockerfile": CROSS.format(base=at.base)})
    here = dagger.BuildArg("BUILDPLATFORM", await dag.default_platform())
    answers = []
    for name in ("linux/amd64", "linux/arm64"):
        made = source.docker_build(platform=dagger.Platform(name), build_args=[here])
        answers.append([await made.platform(), await made.file("/target").contents()])
    return answers


async def build_on_scratch_for_two_platforms(at: At) -> object:
    """Dagger 0.21.8 loses the platform where no RUN follows; ci/scratch.py brings it back."""
    source = tree({"Dockerfile": 'FROM scratch\nCOPY Dockerfile /\nCMD ["/Dockerfile"]\n'})
    names = ("linux/amd64", "linux/arm64")
    made = [source.docker_build(platform=dagger.Platform(name)) for name in names]
    return [await each.platform() for each in made]


async def build_goes_on_as_a_container(at: At) -> object:
    made = _source(at).docker_build(target="build").with_new_file("/more", "x")
    return await made.with_exec(["cat", "/app/out", "/more"]).stdout()


async def build_is_cached(at: At) -> object:
    dockerfile = f"FROM {at.base}\nRUN : {at.salt}; date +%N > /n\n"
    answers = [
        await tree({"Dockerfile": dockerfile}).docker_build().file("/n").contents()
        for _ in range(2)
    ]
    return answers[0] == answers[1]


async def build_volume_keeps_what_a_step_writes(at: At) -> object:
    dockerfile = f"FROM {at.base}\nRUN mkdir /data && echo 0 > /data/init\nVOLUME /data\n"
    made = tree({"Dockerfile": dockerfile}).docker_build()
    made = made.with_exec(["sh", "-c", "echo 1 > /data/x"])
    return await made.with_exec(["ls", "/data"]).stdout()


async def build_step_fails(at: At) -> object:
    return await _source(at).docker_build(target="unused").sync()


@mentions("no-such-stage")
async def build_target_missing(at: At) -> object:
    return await _source(at).docker_build(target="no-such-stage").sync()


@mentions("no-such-file")
async def build_dockerfile_missing(at: At) -> object:
    return await _source(at).docker_build(dockerfile="no-such-file").sync()


@mentions("no-such-base")
async def build_base_missing(at: At) -> object:
    return await tree({"Dockerfile": "FROM localhost:1/no-such-base:1\n"}).docker_build().sync()


async def build_gives_what_a_container_would(at: At) -> object:
    made = tree({"Dockerfile": f"FROM {at.base}\n"}).docker_build()
    return await made.entrypoint() == await base(at).entrypoint()


def _source(at: At) -> dagger.Directory:
    return dag.directory().with_directory(
        "/", tree({**FILES, "Dockerfile": DOCKERFILE.format(base=at.base)})
    )
