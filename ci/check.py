"""Check: the tests pass, and the image runs by its own entrypoint and is healthy."""

from dataclasses import dataclass

import anyio
import dagger

from ci.build import Sources, run_build, stage_of
from ci.engine import ENGINE_ERRORS, engine_error
from ci.errors import CheckFailed
from ci.oci.platform import Platform
from ci.oci.text import shown
from ci.ports import Answered, Clock, Prober, Progress
from ci.settings import CheckSettings

INTERVAL_S = 0.5
_BODY = 300
_REMEDY = "start it by hand and read its log: ./daggerw call build as-service up"


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
        try:
            with anyio.fail_after(self.settings.timeout_s):
                await service.start()
            endpoint = await service.endpoint(port=self.settings.port)
            return await self._wait(f"http://{endpoint}{self.settings.path}")
        except ENGINE_ERRORS as error:
            raise engine_error(error, _does_not_run) from error
        except TimeoutError as error:
            raise CheckFailed(
                f"nothing listened on port {self.settings.port}"
                f" within {self.settings.timeout_s:.0f} s",
                remedy=_REMEDY,
            ) from error
        finally:
            await _stop(service)

    async def _wait(self, url: str) -> Answered:
        """Ask until healthy; the first answers may come before the service is ready."""
        begun = self.clock.monotonic_s()
        while True:
            answer = await self.prober.ask(url, self.settings.probe_timeout_s)
            if answer.is_healthy:
                return answer
            if self.clock.monotonic_s() - begun > self.settings.timeout_s:
                status = answer.status or "not"
                raise CheckFailed(
                    f"{self.settings.path} answered {status} for {self.settings.timeout_s:.0f} s:"
                    f" {shown(answer.body, _BODY)}",
                    remedy=_REMEDY,
                )
            await self.clock.sleep(INTERVAL_S)


def _does_not_run(text: str) -> CheckFailed:
    return CheckFailed(f"the image does not run:\n    {text}", remedy=_REMEDY)


async def _stop(service: dagger.Service) -> None:
    """Stop what may never have started; its failure must not hide the first one."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(10):
        try:
            await service.stop(kill=True)
        except ENGINE_ERRORS:
            return
