"""The work that is measured: what is got ready, and what each does of it."""

import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import dagger
from dagger import dag

from bench.ground import BASE, CHECKOUT, ONE, TWO, Ground
from bench.report import Work
from ci.embedded.server import session

Do = Callable[[], Awaitable[None]]
AGREE = "two looks at a tag, at least a second apart, before it is believed (promise 1)"
WORKS = (
    Work(
        "a",
        "Publish again, nothing changed",
        "publish, in an open session",
        ("docker build+push",),
        0.5,
        "a challenge, a token, the tag, its manifests, its parts: each needs what the one before"
        " gave, so five trips with a token registry. docker asks whether its layers are there and"
        " puts the manifest again; it does not look whether the release is whole.",
    ),
    Work(
        "b",
        "Publish, one source line changed",
        "publish, in an open session",
        ("docker build+push",),
        1.0,
        f"2 s are {AGREE}, once for the tag and once for latest; besides, the image is started and"
        " asked for its health, and everything is read back. docker does none of these.",
    ),
    Work(
        "d",
        "Two platforms instead of one, one source line changed",
        "publish, two platforms",
        ("publish, one platform",),
        1.3,
        "the second platform's layers have to be made and sent.",
    ),
    Work(
        "e",
        "Verify one tag, whole tree",
        "verify, in an open session",
        ("crane validate", "skopeo copy to a directory"),
        1.0,
        f"1 s is {AGREE}; the tree is read meanwhile. The peers look once, and fetch every layer.",
    ),
    Work(
        "i",
        "What the module adds to a call: import",
        "import dagger and the module",
        ("import dagger",),
        1.05,
        "the client itself.",
    ),
    Work(
        "j connect",
        "Embedded engine: a new session and its first answer",
        "embedded engine",
        (),
        1.0,
        "the goal is 0.1 s.",
    ),
    Work(
        "j cached",
        "Embedded engine: a command that ran before",
        "embedded engine",
        (),
        1.0,
        "the goal is 8 ms.",
    ),
    Work(
        "j cold",
        "Embedded engine: a command that never ran",
        "embedded engine",
        ("docker run",),
        1.5,
        "what it changed is kept as a layer besides.",
    ),
)


@dataclass
class Contender:
    """Who does a work; `ready` is not measured."""

    work: str
    who: str
    delay_ms: int
    ready: Do
    do: Do


async def nothing() -> None:
    """Be ready."""


def contenders(ground: Ground, delays_ms: tuple[int, ...]) -> list[Contender]:
    """Everybody, in turns."""
    found: list[Contender] = []
    for delay_ms in delays_ms:
        found += [
            *_again(ground, delay_ms),
            *_changed(ground, delay_ms),
            *_verify(ground, delay_ms),
        ]
    found += [*_platforms(ground, delays_ms[0]), *_engine(ground), *_imports(ground)]
    return found


def _docker(ground: Ground, image: str) -> None:
    ground.run("docker", "build", "-q", "-t", image, str(ground.project / "app"))
    ground.run("docker", "push", "-q", image)


def _again(ground: Ground, delay_ms: int) -> list[Contender]:
    tag = ground.tag()

    async def ready() -> None:
        ground.platforms(ONE)
        (ground.project / "app" / "answer").write_text("42\n")

    async def in_session() -> None:
        await ground.ci(delay_ms).publish(tag, dirty=True)

    async def command() -> None:
        ground.command(delay_ms, "publish", f"--tag={tag}", "--dirty")

    async def docker() -> None:
        _docker(ground, f"{ground.image(delay_ms, 'docker')}:{tag}")

    who = {"publish, in an open session": in_session, "publish, from a shell": command}
    who["docker build+push"] = docker
    # In the round that does not count it is published; the source is the same in all rounds.
    return [Contender("a", name, delay_ms, ready, do) for name, do in who.items()]


def _changed(ground: Ground, delay_ms: int) -> list[Contender]:
    async def ready() -> None:
        ground.platforms(ONE)
        ground.change()

    async def in_session() -> None:
        await ground.ci(delay_ms).publish(ground.tag(), dirty=True)

    async def command() -> None:
        ground.command(delay_ms, "publish", f"--tag={ground.tag()}", "--dirty")

    async def docker() -> None:
        _docker(ground, f"{ground.image(delay_ms, 'docker')}:{ground.tag()}")

    who = {"publish, in an open session": in_session, "publish, from a shell": command}
    who["docker build+push"] = docker
    return [Contender("b", name, delay_ms, ready, do) for name, do in who.items()]


def _platforms(ground: Ground, delay_ms: int) -> list[Contender]:
    def on(platforms: tuple[str, ...]) -> Do:
        async def ready() -> None:
            ground.platforms(platforms)
            ground.change()

        return ready

    async def publish() -> None:
        await ground.ci(delay_ms).publish(ground.tag(), dirty=True)

    counts = {"publish, one platform": ONE, "publish, two platforms": TWO}
    return [Contender("d", name, delay_ms, on(some), publish) for name, some in counts.items()]


def _verify(ground: Ground, delay_ms: int) -> list[Contender]:
    tags: list[str] = []

    async def released() -> None:
        ground.platforms(ONE)
        ground.change()
        tags.append(ground.tag())
        await ground.ci(delay_ms).publish(tags[-1], dirty=True)

    async def in_session() -> None:
        await ground.ci(delay_ms).verify(tags[-1])

    async def command() -> None:
        ground.command(delay_ms, "verify", f"--tag={tags[-1]}")

    async def crane() -> None:
        ground.run("crane", "validate", "--remote", f"{ground.image(delay_ms, 'ours')}:{tags[-1]}")

    async def skopeo() -> None:
        folder = ground.folder / "copied"
        shutil.rmtree(folder, ignore_errors=True)
        source = f"docker://{ground.image(delay_ms, 'ours')}:{tags[-1]}"
        ground.run("skopeo", "copy", "-q", "--src-tls-verify=false", source, f"dir:{folder}")

    return [
        Contender("e", "verify, in an open session", delay_ms, released, in_session),
        Contender("e", "verify, from a shell", delay_ms, nothing, command),
        Contender("e", "crane validate", delay_ms, nothing, crane),
        Contender("e", "skopeo copy to a directory", delay_ms, nothing, skopeo),
    ]


def _engine(ground: Ground) -> list[Contender]:
    base = [BASE, "true"]

    async def connect() -> None:
        with session({**ground.environ, "CI_EMBEDDED_STATE": str(ground.folder / "state")}):
            async with dagger.Connection() as client:
                await client.version()

    async def cached() -> None:
        await dag.container().from_(BASE).with_exec(["true"]).sync()

    async def cold() -> None:
        fresh = dag.container().from_(BASE).with_env_variable("FRESH", ground.tag())
        await fresh.with_exec(["true"]).sync()

    async def docker() -> None:
        ground.run("docker", "run", "--rm", *base)

    return [
        Contender("j connect", "embedded engine", 0, nothing, connect),
        Contender("j cached", "embedded engine", 0, cached, cached),
        Contender("j cold", "embedded engine", 0, cached, cold),
        Contender("j cold", "docker run", 0, nothing, docker),
    ]


def _imports(ground: Ground) -> list[Contender]:
    def importing(names: str) -> Do:
        async def do() -> None:
            ground.run(
                sys.executable,
                "-c",
                f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import {names}",
            )

        return do

    ours, client = importing("dagger, ci.main"), importing("dagger")
    return [
        Contender("i", "import dagger and the module", 0, ours, ours),
        Contender("i", "import dagger", 0, client, client),
    ]


def versions(ground: Ground) -> dict[str, str]:
    """What everybody is, by their own words."""
    asked = {
        "docker": [
            "docker",
            "version",
            "--format",
            "client {{.Client.Version}}, engine {{.Server.Version}}",
        ],
        "skopeo": ["skopeo", "--version"],
        "crane": [
            "sh",
            "-c",
            f"grep -o 'go-containerregistry v.*' {CHECKOUT / 'bench/crane/go.mod'}",
        ],
        "registry": ["docker-registry", "--version"],
        "git": ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"],
    }
    found = {"Python": sys.version.split()[0]}
    for name, command in asked.items():
        done = subprocess.run(
            command, env=ground.environ, capture_output=True, text=True, check=False
        )
        found[name] = (done.stdout or done.stderr).strip().splitlines()[0]
    return found
