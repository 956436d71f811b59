"""Build, check, publish and verify on a real engine and a real registry."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from dagger import PortForward, dag

from ci.decisions.engine_text import LINES
from ci.decisions.labels import (
    BASE_DIGEST,
    BASE_NAME,
    CREATED,
    FINGERPRINT,
    REVISION,
    SOURCE,
    VERSION,
)
from ci.errors import (
    BuildFailed,
    CheckFailed,
    ContextTooLarge,
    DirtyTree,
    LabelsDisagree,
    PermissionMissing,
    RegistryUnavailable,
    State,
    TagConflict,
    TagElsewhere,
    TokenMalformed,
)
from ci.oci.digest import parse_digest
from ci.oci.manifest import parse_config, parse_document
from ci.oci.reference import Tag

pytestmark = [
    pytest.mark.engine,
    pytest.mark.registry,
    pytest.mark.usefixtures("connection"),
]


def tag_of(minutes_ago=0):
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return moment.strftime("%Y%m%d-%H%M%S")


def digest_in(reference):
    return parse_digest(reference.rpartition("@")[2])


async def test_a_release_is_published_verified_and_repeated(project, capfd):
    ci, tag, revision = project.ci(), tag_of(5), project.commit()
    reference = await ci.publish(tag)
    assert re.fullmatch(
        rf"{re.escape(str(project.remote.repository))}:{tag}@sha256:[0-9a-f]{{64}}", reference
    )
    async with project.remote.open() as registry:
        document = await registry.manifest(Tag(tag))
        assert document.digest == digest_in(reference)
        assert await registry.manifest(Tag("latest")) == document
        await check_labels(registry, document, tag, revision)

    table = await ci.verify(tag, str(digest_in(reference)))
    for text in ("linux/amd64", "linux/arm64", "is the newest release", reference):
        assert text in table

    capfd.readouterr()
    assert await project.ci().publish(tag) == reference
    said = capfd.readouterr().err
    assert "the tag holds this release already" in said
    assert "build" not in said

    said_as_json = json.loads(await project.ci(output="json").publish(tag))
    assert (said_as_json["reference"], said_as_json["begun_from"]) == (reference, "confirm")


async def check_labels(registry, document, tag, revision):
    """Labels and annotations tell where each image comes from."""
    moment = datetime.strptime(tag, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    index = parse_document(document)
    assert [str(each.platform) for each in index.manifests] == ["linux/amd64", "linux/arm64"]
    for child in index.manifests:
        manifest = parse_document(await registry.manifest(child.digest))
        labels = parse_config(await registry.blob(manifest.config)).labels
        assert labels[VERSION] == tag
        assert labels[REVISION] == revision
        assert labels[SOURCE] == "https://github.com/acme/small"
        assert labels[CREATED] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        assert labels[BASE_NAME] == "docker.io/library/python:3.11-slim"
        assert parse_digest(labels[BASE_DIGEST])
        assert manifest.annotations.items() >= {VERSION: tag, REVISION: revision}.items()


async def test_a_run_that_died_before_its_tag_is_finished_without_a_build(project, capfd):
    tag = tag_of(5)
    reference = await project.ci().publish(tag)
    async with project.remote.open() as registry:
        document = await registry.manifest(Tag(tag))
        # What a run leaves that was killed before the tag: only `unverified`.
        await project.remote.delete_manifest(document.digest)
        assert await registry.manifest(Tag(tag)) is None
    await project.remote.put_again(document, "unverified")
    capfd.readouterr()
    assert await project.ci().publish(tag) == reference
    said = capfd.readouterr().err
    assert "an earlier run pushed this release" in said
    assert "build" not in said.replace("stopped before its tag", "")


async def test_only_what_is_built_from_makes_another_release(project):
    tag = tag_of(5)
    reference = await project.ci().publish(tag)
    project.write("README.md", "outside the context")
    project.write("app/notes.md", "named in .dockerignore")
    project.write("app/cache/wheel", "derived")
    assert await project.ci().publish(tag) == reference
    project.write("app/answer", "42, but different\n")
    project.commit()
    with pytest.raises(TagConflict):
        await project.ci().publish(tag)
    assert (await project.ci().verify(tag)).endswith(reference)


async def test_secrets_never_reach_the_build_and_change_nothing(project, capfd):
    """Rows B3 and B5, on a context that really holds them."""
    project.write(
        "app/Dockerfile",
        "FROM python:3.11-slim AS tests\nFROM python:3.11-slim AS release\nCOPY . /all/\n",
    )
    settings = (project.root / "ci.toml").read_text()
    project.commit()
    clean = await (await project.ci().build()).label(FINGERPRINT)
    for path in (".env", "certs/ca.pem", "id_ed25519", ".dagger/state", "sub/.git"):
        project.write(f"app/{path}", "very secret")
    capfd.readouterr()
    image = await project.ci().build()
    sent = [path for path in await image.directory("/all").glob("**") if path[-1] != "/"]
    assert sorted(sent) == [".dockerignore", "Dockerfile", "answer"]
    assert await image.label(FINGERPRINT) == clean
    (said,) = [line for line in capfd.readouterr().err.splitlines() if "left out" in line]
    for path in (".env", "certs/ca.pem", "id_ed25519", ".dagger", "sub/.git"):
        assert repr(path) in said

    asked = settings.replace("[check]", 'send_anyway = ["certs/ca.pem"]\n[check]')
    project.write("ci.toml", asked)
    image = await project.ci().build()
    assert await image.file("/all/certs/ca.pem").contents() == "very secret"
    assert await image.label(FINGERPRINT) != clean

    project.write("ci.toml", settings.replace("[check]", "max_files = 2\n[check]"))
    with pytest.raises(ContextTooLarge, match="3 files, more than 2"):
        await project.ci().build()


async def test_uncommitted_files_are_published_only_when_asked_for(project):
    tag = tag_of(5)
    project.write("app/answer", "42 uncommitted\n")
    with pytest.raises(DirtyTree, match="'answer'"):
        await project.ci().publish(tag)
    await project.ci().publish(tag, dirty=True)
    assert "-dirty" in await project.ci().verify(tag)


async def test_another_commit_than_the_tags_is_published_only_when_asked_for(project, capfd):
    tag = tag_of(5)
    project._git("tag", tag)
    tagged = project._git("rev-parse", "HEAD")
    project.write("app/answer", "42, but later\n")
    here = project.commit()
    with pytest.raises(TagElsewhere, match=f"{tagged}, the source is at {here}"):
        await project.ci().publish(tag)
    assert "build" not in capfd.readouterr().err
    await project.ci().publish(tag, anyway=True)
    with pytest.raises(LabelsDisagree, match=here):
        await project.ci().verify(tag)


async def test_a_reader_is_refused_before_the_build(project, capfd):
    with pytest.raises(PermissionMissing):
        await project.ci(as_reader=True).publish(tag_of(5))
    assert "build" not in capfd.readouterr().err


async def test_failing_tests_leave_the_registry_untouched(project):
    failing = "FROM python:3.11-slim AS tests\nRUN seq -f 'line %g' 1 100; exit 3\n"
    project.write("app/Dockerfile", failing + "FROM python:3.11-slim AS release\n")
    project.commit()
    with pytest.raises(BuildFailed, match="test stage") as caught:
        await project.ci().publish(tag_of(5))
    assert "line 100" in caught.value.cause
    assert caught.value.cause.count("line ") == LINES
    assert (caught.value.state, caught.value.exit_class) == (State.S1, 3)
    async with project.remote.open() as registry:
        assert await registry.tags() == ()


async def test_an_image_that_does_not_run_fails_with_its_output(project):
    project.write("app/Dockerfile", DOCKERFILE_WITH.format('["python", "-c", "raise Oops"]'))
    project.commit()
    with pytest.raises(CheckFailed, match="Oops") as caught:
        await project.ci().check()
    assert caught.value.state is State.LO


async def test_an_image_that_answers_badly_fails_with_what_it_writes(project):
    serving = "print('no database'); import http.server as s; s.test(port=8000)"
    project.write("app/Dockerfile", DOCKERFILE_WITH.format(f'["python", "-u", "-c", "{serving}"]'))
    settings = (project.root / "ci.toml").read_text().replace("timeout_s = 60", "timeout_s = 9")
    project.write("ci.toml", settings + 'path = "/nowhere"\n')
    project.commit()
    with pytest.raises(CheckFailed, match="answered 501") as caught:
        await project.ci().check()
    assert "no database" in caught.value.cause
    assert caught.value.cause.count("\n") <= LINES + 1


async def test_an_image_that_never_listens_fails_with_what_it_writes(project):
    waiting = "import sys, time; print('waiting', file=sys.stderr); time.sleep(99)"
    project.write("app/Dockerfile", DOCKERFILE_WITH.format(f'["python", "-c", "{waiting}"]'))
    settings = (project.root / "ci.toml").read_text().replace("timeout_s = 60", "timeout_s = 3")
    project.write("ci.toml", settings)
    project.commit()
    with pytest.raises(CheckFailed, match="waiting"):
        await project.ci().check()


DOCKERFILE_WITH = """\
FROM python:3.11-slim AS tests
FROM python:3.11-slim AS release
COPY answer /answer
ENTRYPOINT {}
"""


async def test_a_build_can_be_looked_at_and_a_tag_is_minted(project):
    begun = datetime.now(UTC).replace(microsecond=0)
    minted = datetime.strptime(await project.ci().tag(), "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    assert begun <= minted <= datetime.now(UTC)
    image = await project.ci().build("linux/arm64")
    assert await image.platform() == "linux/arm64"
    assert await image.label(REVISION) == project._git("rev-parse", "HEAD")


async def test_a_token_that_cannot_be_read_and_a_dead_way_are_told_by_name(project):
    ci = project.ci()
    ci.token = dag.secret("env://NO_SUCH_VARIABLE_OF_TEST")
    with pytest.raises(TokenMalformed, match="cannot be read"):
        await ci.verify(tag_of(5))
    ci = project.ci()
    # Port 1 is kept free by every system.
    ci.via = dag.host().service([PortForward(backend=1, frontend=1)])
    with pytest.raises(RegistryUnavailable) as caught:
        await ci.verify(tag_of(5))
    assert "--via" in caught.value.remedy
