"""A secret enters no image, no container's configuration, and nothing that is printed or kept."""

import base64
import json
import urllib.parse
from pathlib import Path

import anyio
import dagger
import pytest
from dagger import dag

from ci.embedded.scrub import Scrubber, encodings
from tests.embedded.observer import BASE, Docker, OpenSession

SECRET = 'gh"p_/Ün + canary&value=='
FORMS = {
    "raw": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of user:secret": base64.b64encode(f"bot:{SECRET}".encode()).decode(),
    "base64 of a longer user:secret": base64.b64encode(f"robot:{SECRET}".encode()).decode(),
    "URL-safe base64": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "URL": urllib.parse.quote(SECRET, safe=""),
    "URL of a form": urllib.parse.quote_plus(SECRET),
    "JSON": json.dumps(SECRET),
    "JSON in UTF-8": json.dumps(SECRET, ensure_ascii=False),
}
# Long enough that no other text holds it by chance.
PIECE = base64.b64encode(SECRET.encode()).decode()[4:16]


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_every_form_is_masked(text: str) -> None:
    scrubber = Scrubber()
    scrubber.add(SECRET)
    masked = scrubber.scrub(f"before {text} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    assert "canary" not in masked
    assert PIECE not in masked


def test_a_short_secret_does_not_make_ordinary_text_unreadable() -> None:
    assert encodings("abc") == ["abc"]


async def test_what_a_command_prints_of_its_secrets_is_masked(open_session: OpenSession) -> None:
    script = (
        'printf "%s\\n" "$TOKEN"; printf "bot:%s" "$TOKEN" | base64 -w0; printf %s "$TOKEN" | wc -c'
    )
    with open_session():
        async with dagger.connection(dagger.Config(log_output=None)):
            step = (
                dag.container()
                .from_(BASE)
                .with_secret_variable("TOKEN", dag.set_secret("t", SECRET))
            )
            printed = await step.with_exec(["sh", "-c", script]).stdout()
    assert "canary" not in printed
    assert PIECE not in printed
    assert str(len(SECRET.encode())) in printed, "the command did not get the secret"


async def test_the_error_of_a_failed_command_is_masked(open_session: OpenSession) -> None:
    with open_session():
        async with dagger.connection(dagger.Config(log_output=None)):
            step = (
                dag.container()
                .from_(BASE)
                .with_secret_variable("TOKEN", dag.set_secret("t", SECRET))
            )
            with pytest.raises(dagger.ExecError) as caught:
                await step.with_exec(["sh", "-c", 'echo "$TOKEN" >&2; exit 3']).sync()
    assert "canary" not in caught.value.stderr
    assert "***" in caught.value.stderr


async def test_neither_docker_nor_the_store_keeps_a_secret(
    open_session: OpenSession, docker: Docker, state: Path
) -> None:
    seen: list[str] = []

    async def watch() -> None:
        while True:
            seen.extend(docker.inspect(str(found["Id"])) for found in docker.containers(state))
            await anyio.sleep(0.02)

    with open_session():
        async with (
            dagger.connection(dagger.Config(log_output=None)),
            anyio.create_task_group() as group,
        ):
            group.start_soon(watch)
            secret = dag.set_secret("t", SECRET)
            step = (
                dag.container()
                .from_(BASE)
                .with_secret_variable("TOKEN", secret)
                .with_mounted_secret("/run/token", secret)
                .with_exec(
                    ["sh", "-c", 'test "$TOKEN" = "$(cat /run/token)"; sleep 2; date > /made']
                )
            )
            await step.file("/made").contents()
            archive = state / "image.tar"
            await step.export(str(archive))
            group.cancel_scope.cancel()
    assert any('"Running":true' in text for text in seen), "no container was seen at work"
    assert [text for text in seen if "canary" in text or PIECE in text] == []
    kept = [path for path in state.rglob("*") if path.is_file()]  # noqa: ASYNC240 - a test
    holding = [path.name for path in kept if b"canary" in path.read_bytes()]
    assert holding == []


async def test_secrets_of_the_environment_are_those_of_the_sessions_start(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARLY_SECRET", "there from the start")
    with open_session():
        monkeypatch.setenv("LATE_SECRET", "too late")
        async with dagger.connection(dagger.Config(log_output=None)):
            assert await dag.secret("env://EARLY_SECRET").plaintext() == "there from the start"
            with pytest.raises(dagger.QueryError, match="LAT"):
                await dag.secret("env://LATE_SECRET").plaintext()
