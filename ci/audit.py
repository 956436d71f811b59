"""Audit: look at repository, registry and host, whatever state they are in, and write reports.

Nothing that fails here ends the call: what could not be looked at is said in the report.
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial
from typing import Any, TypeVar

import dagger
from dagger import dag

from ci.decisions.audit.evidence import HostSeen, RegistrySeen, RepositorySeen
from ci.decisions.audit.findings import Audit, Gap
from ci.decisions.audit.judge import Question, Seen, judge, newest_tag
from ci.decisions.audit.releases import Wanted
from ci.decisions.audit.repeat import KNOWN, NEW, Call, repeat_command
from ci.decisions.audit.reports import render_reports
from ci.decisions.audit.summary import headline
from ci.decisions.placement import choose_server, need_deployment
from ci.decisions.tags import ReleaseTag, parse_release_tag
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import EngineFailed, PipelineError
from ci.history import history_of
from ci.host_access import open_host_access
from ci.remote import Remote
from ci.run import SETTINGS_FILE, Arguments, World, open_repository
from ci.settings import Settings, parse_settings
from ci.survey import survey_registry, survey_tags, survey_workflows
from ci.survey_host import survey_host
from ci.together import both

T = TypeVar("T")
_PASS_KEY = "pass --key, and --host where ci.toml has several"  # noqa: S105 - a remedy
_MEND = "mend that first; the rest of this report does not rest on it"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the call asks for; "" is what the audit chooses itself."""

    tag: str
    stage: str
    host: str = ""
    key: dagger.Secret | None = None
    known: dagger.File | None = None
    link: dagger.Service | None = None


@dataclass
class Auditor:
    """Gathers the evidence; what stands in the way becomes a gap."""

    arguments: Arguments
    world: World
    asked: Asked
    gaps: list[Gap]

    async def run(self) -> Audit:
        """Look at everything and judge it."""
        settings = await self._try("ci.toml", self._settings)
        zone = settings.zone if settings else UTC
        tag = self._tag(zone)
        (repository, registry), host = await both(
            partial(both, partial(self._repository, zone, tag), partial(self._registry, settings)),
            partial(self._host, settings),
        )
        subject = str(settings.repository) if settings else self.arguments.image or "?"
        platforms = settings.build.platforms if settings else ()
        seen = Seen(repository, registry, host, tuple(self.gaps))
        question = Question(
            subject=subject,
            tag=tag,
            moment=self.world.clock.now(),
            wanted=Wanted(platforms, zone),
            repeat=await self._repeat(settings, tag or self._known(seen)),
        )
        return judge(question, seen)

    async def _settings(self) -> Settings:
        text = await self.arguments.source.file(SETTINGS_FILE).contents()
        return parse_settings(text, image=self.arguments.image)

    def _tag(self, zone: tzinfo) -> ReleaseTag | None:
        if not self.asked.tag:
            return None
        try:
            return parse_release_tag(self.asked.tag, zone)
        except PipelineError as error:
            self._note("the release that was asked about", error)
            return None

    async def _repository(self, zone: tzinfo, tag: ReleaseTag | None) -> RepositorySeen:
        arguments = self.arguments
        files = await self._try("the workflows", partial(survey_workflows, arguments.source))

        async def history() -> tuple[tuple[ReleaseTag, ...], dict[str, str]]:
            found = await history_of(arguments.source, arguments.repo)
            return await survey_tags(found, zone, tag)

        tags, commits = await self._try("the git tags", history) or (None, {})
        return RepositorySeen(files, tags, commits)

    async def _registry(self, settings: Settings | None) -> RegistrySeen | None:
        if settings is None:
            self.gaps.append(Gap("the registry", "ci.toml says which, and cannot be read", _MEND))
            return None

        async def survey() -> RegistrySeen:
            repository = settings.repository
            async with open_repository(self.arguments, self.world, repository) as (_, registry):
                seen, gaps = await survey_registry(registry, repository, settings.zone)
            self.gaps += gaps
            return seen

        return await self._try(f"the registry {settings.repository.registry}", survey)

    async def _host(self, settings: Settings | None) -> HostSeen | None:
        asked, world = self.asked, self.world
        if settings is None or asked.key is None:
            why = "no key was given" if settings else "ci.toml says which, and cannot be read"
            self.gaps.append(Gap("the host", why, _MEND if settings is None else _PASS_KEY))
            return None
        key, source = asked.key, self.arguments.source

        async def survey() -> HostSeen:
            deployment = need_deployment(settings.deploy)
            server = choose_server(settings.hosts, asked.host)
            access = await open_host_access(server, key, asked.known, asked.link, source)
            directory, script = server.address.directory, world.script()
            connect = partial(world.connect_host, access)
            remote = Remote(connect, directory, script, (), world.clock, world.progress)
            async with remote.opened():
                return await survey_host(remote, server, deployment)

        seen = await self._try(f"the host {asked.host}".rstrip(), survey)
        if seen and seen.facts.trouble:
            code, what, remedy = seen.facts.trouble
            self.gaps.append(Gap(f"Docker on {seen.address}", f"{code}: {what}", remedy))
            return None
        return seen

    def _known(self, seen: Seen) -> ReleaseTag | None:
        """The release that a stage without a tag was about; what makes one gets a new tag."""
        return None if self.asked.stage in NEW else newest_tag(seen)

    async def _repeat(self, settings: Settings | None, tag: ReleaseTag | None) -> str:
        arguments, asked = self.arguments, self.asked
        # A rollback without a tag goes to the release before, whichever that is then.
        wanted = asked.tag if asked.stage == "rollback" else str(tag or "")
        call = Call(
            asked.stage,
            wanted,
            image=arguments.image,
            user=arguments.user,
            token=await _given(arguments.token.uri if arguments.token else None),
            via=settings.repository.registry if arguments.via and settings else "",
            host=asked.host,
            key=await _given(asked.key.uri if asked.key else None),
            known=asked.known is not None,
            link=await _given(asked.link.endpoint if asked.link else None),
        )
        return repeat_command(call)

    async def _try(self, what: str, look: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Look; a failure is a gap, and None."""
        try:
            return await look()
        except ENGINE_ERRORS as error:
            self._note(what, engine_error(error, _refused))
        except PipelineError as error:
            self._note(what, error)
        return None

    def _note(self, what: str, error: PipelineError) -> None:
        self.gaps.append(Gap(what, f"{error.code}: {error.cause}", error.remedy))


async def _given(ask: Callable[[], Awaitable[str]] | None) -> str:
    """What an argument was called by; "" where nobody knows."""
    with suppress(*ENGINE_ERRORS):
        return await ask() if ask else ""
    return ""


async def audit(arguments: Arguments, world: World, asked: Asked) -> dagger.Directory:
    """Audit and write the reports into a folder."""
    found = await Auditor(arguments, world, asked, []).run()
    world.progress.note(f"     {headline(found)}")
    folder = dag.directory()
    for name, text in render_reports(found).items():
        folder = folder.with_new_file(name, text)
    # The command that repeats a stage names it there.
    return folder.with_file(KNOWN, asked.known) if asked.known else folder


def _refused(text: str) -> EngineFailed:
    return EngineFailed(f"the engine refused:\n    {text}", remedy="run the same again")
