"""The peer of a deploy: what one would type on the server."""

import base64
import json
import time
from dataclasses import dataclass

import httpx

from bench.deploys_report import GOOD, Deployed
from rehearsal.load import Load, figures
from tests.server.driver import Stack, wait_until
from tests.server.images import Image
from tests.server.observer import version

# Nobody looks after the command has ended; for how long its service is asked all the same.
AFTER_S = 5.0


@dataclass
class ByHand:
    """`docker compose pull && docker compose up -d`, by tag, with the stack's compose file."""

    stack: Stack
    mode: str

    def up(self, image: Image, *, with_pull: bool = True) -> int:
        """Bring the service to an image; the command's exit code."""
        stack = self.stack
        registry = image.repository.partition("/")[0]
        pair = base64.b64encode(f"{stack.user}:{stack.token}".encode()).decode()
        files = {
            "compose.yaml": stack.compose.encode(),
            "docker/config.json": json.dumps({"auths": {registry: {"auth": pair}}}).encode(),
        }
        stack.remote.upload_all(stack.directory, files)
        compose = f"docker --config docker compose --project-name {stack.project}"
        pull = f"{compose} pull --quiet web && " if with_pull else ""
        line = f"cd {stack.directory} && export IMAGE={image.repository}:{image.tag} && "
        return stack.remote.run(f"{line}{pull}{compose} up --detach web").returncode

    def settle(self, image: Image) -> None:
        """Bring it up and wait until it answers."""
        self.up(image)
        wait_until(lambda: self._answers(image.tag))

    def _answers(self, tag: str) -> bool:
        try:
            return version(self.stack) == tag
        except httpx.HTTPError:
            return False

    def measure(self, kind: str, old: Image, new: Image, *, is_stale: bool) -> Deployed:
        """The same as a deploy under load, and the old image again."""
        if is_stale:
            self.stack.observe("tag", old.reference, f"{new.repository}:{new.tag}")
        began = time.monotonic()
        with Load(self.stack.remote.server["SERVER_HOST"], self.stack.port, "/version") as load:
            time.sleep(1)
            code = self.up(new, with_pull=not is_stale)
            took_s = time.monotonic() - began - 1
            time.sleep(AFTER_S)
        is_good = kind == GOOD
        allowed = {old.tag, new.tag} if is_good else {old.tag}
        others = [
            each
            for each in load.answers
            if each.is_good and json.loads(each.body)["tag"] not in allowed
        ]
        seen = figures(load.answers)
        self.settle(new if is_good else old)
        # It notices what compose itself refuses, before anything is touched, and no more.
        noticed = (took_s, 0.0) if code else (None, None)
        return Deployed(kind, self.mode, f"exit {code}", seen, len(others), *noticed, took_s)
