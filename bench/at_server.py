"""Work that ends on a server: the whole call, and the whole path."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import dagger
from dagger import dag

from bench.by_hand import ByHand
from bench.contender import Contender
from bench.ground import Ground
from bench.served import Served, served
from bench.works import BY_HAND, DEPLOY, RELEASE
from ci.main import Ci
from tests.end_to_end.site import VERSIONED, Site, fresh_site
from tests.server.conftest import fresh_stack
from tests.server.images import Image


class Town:
    """Sites of teams on the rehearsal's server, made when the first of them is asked for."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    @cached_property
    def place(self) -> Served:
        folder = self.ground.folder / "town"
        folder.mkdir()
        return served(folder)

    def fresh(self, name: str) -> Iterator[Site]:
        """A site whose server has nothing but a `.env`."""
        folder = self.ground.folder / name
        folder.mkdir()
        place = self.place
        yield from fresh_site(
            folder,
            place.server,
            place.credentials,
            place.maker,
            place.skopeo,
            place.docker_host,
        )

    @cached_property
    def site(self) -> Site:
        """The one that is deployed to again and again."""
        site = self.ground.opened.enter_context(contextlib.contextmanager(self.fresh)("site"))
        site.configure(VERSIONED)
        site.commit()
        return site

    @cached_property
    def by_hand(self) -> ByHand:
        """The one where somebody types."""
        fresh = contextlib.contextmanager(fresh_stack)
        stack = fresh(self.place.server, self.place.credentials, "dash")
        return ByHand(self.ground.opened.enter_context(stack), BY_HAND)

    def ci(self) -> Ci:
        """The module on the site that is deployed to again and again, within the open session."""
        site, port = self.site, int(self.site.maker.repository.partition("/")[0].partition(":")[2])
        here = dag.host().directory(str(site.source))
        return Ci(
            source=here,
            repo=here.as_git(),
            user=site.credentials.user,
            token=dag.set_secret("token-site", site.credentials.token),
            via=dag.host().service([dagger.PortForward(backend=port, frontend=port)]),
        )

    def key(self) -> dagger.Secret:
        """The server's, of that site's user."""
        file = self.site.stack.remote.server["SERVER_KEY_FILE"]
        return dag.set_secret("key-site", Path(file).read_text())

    def release(self, site: Site, state: str) -> None:
        """The whole path, from a shell."""
        words = site.command("release", "--tag", self.ground.tag())
        self.ground.run(*words, CI_EMBEDDED_STATE=str(self.ground.folder / state))


def at_server(ground: Ground) -> list[Contender]:
    """Everybody, in turns; nobody where no such server can be started."""
    if os.geteuid() != 0:
        print("deploys are left out: only root can start a server of its own", file=sys.stderr)
        return []
    town = Town(ground)
    return [*_deploy(town), *_warm(town), *_cold(town)]


def _deploy(town: Town) -> list[Contender]:
    made: list[Image] = []

    async def ready() -> None:
        made.append(town.site.publish(town.ground.tag(), padding=os.urandom(1 << 20)))

    async def in_session() -> None:
        server = town.site.stack.remote.server
        known = dag.host().file(server["SERVER_KNOWN_HOSTS"])
        await town.ci().deploy(key=town.key(), known=known, tag=made[-1].tag)

    async def command() -> None:
        town.ground.run(*town.site.command("deploy", "--tag", made[-1].tag))

    async def typed() -> None:
        code = town.by_hand.up(made[-1])
        if code:
            raise RuntimeError(f"compose ended with {code}")

    who = {DEPLOY: in_session, "deploy, from a shell": command, BY_HAND: typed}
    return [Contender("g", name, 0, ready, do) for name, do in who.items()]


def _warm(town: Town) -> list[Contender]:
    async def ready() -> None:
        town.site.commit(f"change {town.ground.tag()}")

    async def release() -> None:
        town.release(town.site, "state")

    return [Contender("k warm", RELEASE, 0, ready, release)]


def _cold(town: Town) -> list[Contender]:
    sites: list[Site] = []
    own = town.ground.opened.enter_context(contextlib.ExitStack())

    async def ready() -> None:
        own.close()
        name = f"site-{len(sites)}"
        sites.append(own.enter_context(contextlib.contextmanager(town.fresh)(name)))
        sites[-1].commit(f"first of {name}")

    async def release() -> None:
        town.release(sites[-1], "cold")
        shutil.rmtree(town.ground.folder / "cold")

    return [Contender("k cold", RELEASE, 0, ready, release)]
