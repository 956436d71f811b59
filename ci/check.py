"""Check: the tests pass, and the image runs by its own entrypoint and is healthy."""

from dataclasses import dataclass

import anyio
import dagger

from ci.build import Sources, run_build, stage_of
from ci.decisions.engine_text import last_lines
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import CheckFailed
from ci.oci.platform import Platform
from ci.oci.text import shown
from ci.ports import Answered, Clock, Prober, Progress
from ci.settings import CheckSettings

INTERVAL_S = 0.5
OUTPUT_S = 5.0
_BODY = 300
# What `timeout` and container runtimes say when a program could not be started.
_NOT_RUN = (125, 126, 127)
_REMEDY = "mend what its last words name, then see it alone: ./daggerw call check"


@dataclass(frozen=True, slots=True)
class Checker:
    """What a check needs from the world."""

    settings: CheckSettings
    prober: Prober
    clock: Clock
    progress: Progress

    async def check(self, sources: Sources, image: dagger.Container, platform: Platform) -> str:
        """Run the test stage, then the image; say what was seen.

        Raises:
            BuildFailed: the test stage failed.
            CheckFailed: the image did not start or did not become healthy.
        """
        if self.settings.target:
            with self.progress.step(f"tests: stage {self.settings.target} on {platform}"):
                tests = stage_of(sources, self.settings.target, platform, None)
                await run_build(tests, f"the test stage {self.settings.target}")
        with self.progress.step(f"build {platform}"):
            await run_build(image, f"the build for {platform}")
        with self.progress.step(f"health: {self.settings.path} on port {self.settings.port}"):
            answer = await self._health(image)
        tested = f"stage {self.settings.target} passed, " if self.settings.target else ""
        return f"{tested}{self.settings.path} answered {answer.status}: {shown(answer.body, _BODY)}"

    async def _health(self, image: dagger.Container) -> Answered:
        service = image.with_exposed_port(self.settings.port).as_service(use_entrypoint=True)
        port, limit_s = self.settings.port, self.settings.timeout_s
        try:
            with anyio.fail_after(limit_s):
                await service.start()
            endpoint = await service.endpoint(port=port)
            what, answer = await self._wait(f"http://{endpoint}{self.settings.path}")
            if answer.is_healthy:
                return answer
        except ENGINE_ERRORS as error:
            raise engine_error(error, _does_not_run) from error
        except TimeoutError:
            what = f"nothing listened on port {port} within {limit_s:.0f} s"
        finally:
            await _stop(service)
        raise CheckFailed(f"{what}{await self._output(image)}", remedy=_REMEDY)

    async def _wait(self, url: str) -> tuple[str, Answered]:
        """Ask until healthy or out of time; the first answers may come before it is ready."""
        begun, statuses = self.clock.monotonic_s(), dict[str, None]()
        while True:
            answer = await self.prober.ask(url, self.settings.probe_timeout_s)
            spent_s = self.clock.monotonic_s() - begun
            statuses[str(answer.status or "not")] = None
            if answer.is_healthy or spent_s > self.settings.timeout_s:
                seen = f"answered {', then '.join(statuses)} for {spent_s:.0f} s"
                return f"{self.settings.path} {seen}: {shown(answer.body, _BODY)}", answer
            await self.clock.sleep(INTERVAL_S)

    async def _output(self, image: dagger.Container) -> str:
        """Start the image once more, alone, to see what it writes: services have no log in Dagger.

        Returns:
            "" where the image has no `timeout` or writes nothing.
        """
        try:
            command = [*await image.entrypoint(), *await image.default_args()]
            # Never a cached answer: what is asked is what happens now.
            fresh = image.with_env_variable("CI_STARTED_AT", self.clock.now().isoformat())
            limit = ["timeout", "-k", "1", f"{OUTPUT_S:.0f}"]
            run = fresh.with_exec([*limit, *command], expect=dagger.ReturnType.ANY)
            written = last_lines(f"{await run.stdout()}\n{await run.stderr()}")
            was_run = await run.exit_code() not in _NOT_RUN
        except ENGINE_ERRORS:
            return ""
        said = f"; started once more for {OUTPUT_S:.0f} s it wrote:\n    {written}"
        return said if was_run and written else ""


def _does_not_run(text: str) -> CheckFailed:
    return CheckFailed(f"the image does not run:\n    {text}", remedy=_REMEDY)


async def _stop(service: dagger.Service) -> None:
    """Stop what may never have started; its failure must not hide the first one."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(10):
        try:
            await service.stop(kill=True)
        except ENGINE_ERRORS:
            return
