"""Work between the source and the registry."""

import shutil
from datetime import UTC, datetime, timedelta
from functools import partial

from bench.contender import Contender, Do, nothing
from bench.ground import ONE, TWO, Ground
from bench.works import AUDIT, MANY, PUBLISH, PUBLISH_SHELL, VERIFY
from ci.decisions.credentials import Credentials
from ci.oci.reference import parse_repository
from ci.together import together
from tests.contract.images import release
from tests.contract.kits import RealKit

# So many of the tags the loop is run over: each costs it what the one before did.
LOOPED = 50


def at_registry(ground: Ground, delays_ms: tuple[int, ...]) -> list[Contender]:
    """Everybody, in turns."""
    found: list[Contender] = []
    for delay_ms in delays_ms:
        for work in (_again, _changed, _verify, _audit):
            found += work(ground, delay_ms)
    return [*found, *_cold(ground), *_platforms(ground, delays_ms[0])]


def _docker(ground: Ground, image: str, *options: str) -> None:
    ground.run("docker", "build", "-q", *options, "-t", image, str(ground.project / "app"))
    ground.run("docker", "push", "-q", image)


def _again(ground: Ground, delay_ms: int) -> list[Contender]:
    wire, tag, own = ground.wires[delay_ms], ground.tag(), f"again-{delay_ms}"

    async def ready() -> None:
        ground.platforms(ONE)
        (ground.project / "app" / "answer").write_text("42\n")

    # In a repository of its own: nothing is published beside it.
    async def in_session() -> None:
        await ground.ci(wire, own).publish(tag, dirty=True)

    async def command() -> None:
        ground.run(*ground.words(wire, "publish", f"--tag={tag}", "--dirty", name=own))

    async def docker() -> None:
        _docker(ground, f"{ground.image(wire, 'docker')}:{tag}")

    who = {PUBLISH: in_session, PUBLISH_SHELL: command, "docker build+push": docker}
    # In the round that does not count it is published; the source is the same in all rounds.
    return [Contender("a", name, delay_ms, ready, do) for name, do in who.items()]


def _changed(ground: Ground, delay_ms: int) -> list[Contender]:
    wire = ground.wires[delay_ms]

    async def ready() -> None:
        ground.platforms(ONE)
        ground.change()

    async def in_session() -> None:
        await ground.ci(wire).publish(ground.tag(), dirty=True)

    async def command() -> None:
        ground.command(wire, "publish", f"--tag={ground.tag()}", "--dirty")

    async def docker() -> None:
        _docker(ground, f"{ground.image(wire, 'docker')}:{ground.tag()}")

    who = {PUBLISH: in_session, PUBLISH_SHELL: command, "docker build+push": docker}
    return [Contender("b", name, delay_ms, ready, do) for name, do in who.items()]


def _cold(ground: Ground) -> list[Contender]:
    async def ready() -> None:
        ground.platforms(ONE)
        ground.change()
        ground.open_wire(0)

    async def command() -> None:
        words = ("publish", f"--tag={ground.tag()}")
        call = ground.words(ground.newest, *words, name=f"cold-ours-{ground.count}")
        ground.run(*call, CI_EMBEDDED_STATE=str(ground.folder / "cold"))
        shutil.rmtree(ground.folder / "cold")

    async def docker() -> None:
        image = ground.image(ground.newest, f"cold-{ground.count}")
        _docker(ground, f"{image}:{ground.tag()}", "--no-cache")

    who = {PUBLISH_SHELL: command, "docker build+push": docker}
    return [
        Contender("c", name, 0, ready, do, wire=lambda: ground.newest) for name, do in who.items()
    ]


def _platforms(ground: Ground, delay_ms: int) -> list[Contender]:
    def on(platforms: tuple[str, ...]) -> Do:
        async def ready() -> None:
            ground.platforms(platforms)
            ground.change()

        return ready

    async def publish() -> None:
        await ground.ci(ground.wires[delay_ms]).publish(ground.tag(), dirty=True)

    counts = {"publish, one platform": ONE, "publish, two platforms": TWO}
    return [Contender("d", name, delay_ms, on(some), publish) for name, some in counts.items()]


def _verify(ground: Ground, delay_ms: int) -> list[Contender]:
    wire, tags = ground.wires[delay_ms], list[str]()

    async def released() -> None:
        ground.platforms(ONE)
        ground.change()
        tags.append(ground.tag())
        await ground.ci(wire).publish(tags[-1], dirty=True)

    async def in_session() -> None:
        await ground.ci(wire).verify(tags[-1])

    async def command() -> None:
        ground.command(wire, "verify", f"--tag={tags[-1]}")

    async def crane() -> None:
        ground.run("crane", "validate", "--remote", f"{ground.image(wire, 'ours')}:{tags[-1]}")

    async def skopeo() -> None:
        folder = ground.folder / "copied"
        shutil.rmtree(folder, ignore_errors=True)
        source = f"docker://{ground.image(wire, 'ours')}:{tags[-1]}"
        ground.run("skopeo", "copy", "-q", "--src-tls-verify=false", source, f"dir:{folder}")

    return [
        Contender("e", VERIFY, delay_ms, released, in_session),
        Contender("e", "verify, from a shell", delay_ms, nothing, command),
        Contender("e", "crane validate", delay_ms, nothing, crane),
        Contender("e", "skopeo copy to a directory", delay_ms, nothing, skopeo),
    ]


def _audit(ground: Ground, delay_ms: int) -> list[Contender]:
    wire = ground.wires[delay_ms]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    tags = [(first + timedelta(hours=at)).strftime("%Y%m%d-%H%M%S") for at in range(MANY)]

    async def filled() -> None:
        if (ground.folder / "many").exists():
            return
        who = Credentials(ground.environ["REHEARSAL_USER"], ground.token_file.read_text().strip())
        repository = parse_repository(ground.image(ground.wires[0], "many"))
        parts = release(tags[0], "sha256:0")
        kit = RealKit(repository, who, who)
        await kit.put(parts)
        puts = [partial(kit.put_again, parts.top, tag) for tag in (*tags, "latest")]
        await together(puts, at_once=8)
        (ground.folder / "many").touch()

    async def in_session() -> None:
        folder = await ground.ci(wire, "many").audit()
        await folder.file("report.json").contents()

    async def command() -> None:
        words = ("audit", "file", "--path=report.json", "contents")
        ground.run(*ground.words(wire, *words, name="many"))

    async def crane() -> None:
        for tag in tags[:LOOPED]:
            ground.run("crane", "digest", f"{ground.image(wire, 'many')}:{tag}")

    return [
        Contender("f", AUDIT, delay_ms, filled, in_session),
        Contender("f", "audit, from a shell", delay_ms, filled, command),
        Contender("f", "crane digest, tag after tag", delay_ms, filled, crane, LOOPED / MANY),
    ]
