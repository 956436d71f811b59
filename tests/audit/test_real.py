"""The story and its end on a real git repository and a real registry, through the function."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ci.decisions.labels import VERSION
from tests.audit.story import (
    DEPLOY_TAG,
    DEPLOY_TAG_PATH,
    REGISTRY_FAULTS,
    RELEASE,
    RELEASE_PATH,
    WORKFLOW_FAULTS,
)
from tests.contract.images import image, release

pytestmark = [
    pytest.mark.engine,
    pytest.mark.registry,
    pytest.mark.usefixtures("connection"),
]
PLATFORMS = 'platforms = ["linux/amd64", "linux/arm64"]'


def tag_of(minutes_ago):
    return (datetime.now(UTC) - timedelta(minutes=minutes_ago)).strftime("%Y%m%d-%H%M%S")


async def report_of(ci, name="report.md", **asked):
    return await (await ci.audit(**asked)).file(name).contents()


async def put(project, parts, *names):
    await project.remote.put(parts)
    for name in names:
        await project.remote.put_again(parts.top, name)


def broken(report):
    """The rules that a report's table lists."""
    rows = (line.split("|") for line in report.splitlines() if line.startswith("| CI"))
    return {row[1].strip() for row in rows}


async def test_the_story_s_state_yields_every_fault_and_its_root_cause(project):
    tags = [tag_of(minutes) for minutes in (30, 20, 10)]
    project.write(DEPLOY_TAG_PATH, DEPLOY_TAG)
    project.commit()
    for tag in tags:
        project._git("tag", tag)
    await put(project, image("linux/amd64", {VERSION: "whatever"}), "latest")

    report = await report_of(project.ci(), tag=tags[-1], stage="publish")
    assert broken(report) == WORKFLOW_FAULTS | REGISTRY_FAULTS
    assert "Root cause: CI101" in report
    assert all(f"{project.remote.repository}:{tag}\nmanifest unknown" in report for tag in tags)
    for follows in ("CI110", "CI201", "CI204"):
        assert f"- from it follows {follows}" in report
    assert f"publish --tag {tags[-1]}\n" in report


async def test_the_mended_state_yields_none(project):
    tag = tag_of(5)
    project.write(RELEASE_PATH, RELEASE)
    project.commit()
    project._git("tag", "-a", tag, "-m", "annotated")
    reference = await project.ci().publish(tag)

    folder = await project.ci().audit(tag=tag)
    assert sorted(await folder.entries()) == [
        "report.html", "report.json", "report.md", "report.sarif",
    ]  # fmt: skip
    report = await folder.file("report.md").contents()
    assert broken(report) == set()
    document = json.loads(await folder.file("report.json").contents())
    assert document["registry"]["latest"] == reference.rpartition("@")[2]
    assert "No finding." in report
    assert report.count("✔ done") == 4
    assert reference.rpartition("@")[2] in report


async def test_an_audit_says_what_it_could_not_look_at(project):
    project.write(RELEASE_PATH, RELEASE)
    project.commit()
    project._git("tag", tag_of(5))
    ci = project.ci()
    ci.token = None
    report = await report_of(ci)
    assert "AuthRequired" in report
    assert "No finding. 2 things were not looked at" in report
    assert "CI201" not in report

    project.write("ci.toml", "image = 3\nstrange = true\n")
    report = await report_of(project.ci(), tag="no-tag", stage="no-stage")
    for text in ("SettingsInvalid", "TagInvalid", "not looked at: the registry"):
        assert text in report


async def test_what_is_wrong_in_the_registry_is_told_by_rule(project):
    old, small, cut, bare, top = (tag_of(minutes) for minutes in (50, 40, 30, 20, 10))
    future = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y%m%d-%H%M%S")
    project.write(RELEASE_PATH, RELEASE)
    project.commit()
    for name in (old, future, top):
        await put(project, release(name, "sha256:0"), name)
    await project.remote.put_again(release(old, "sha256:0").top, "latest")
    await put(project, release(small, "sha256:0", platforms=("linux/amd64",)), small)
    gone = release(cut, "sha256:0")
    await put(project, gone, cut)
    await project.remote.delete_manifest(gone.children[1].digest)
    await put(project, image("linux/amd64", {}), bare)
    await put(project, release("20000101-000000", "sha256:0"), "unverified")

    report = await report_of(project.ci())
    assert broken(report) == {"CI202", "CI203", "CI205", "CI206", "CI207", "CI209"}
    for rule, name in [("CI206", small), ("CI202", cut), ("CI205", bare), ("CI207", future)]:
        part = report.partition(f"### {rule}")[2].partition("###")[0]
        assert name in part
    assert f"the newest release {top} is" in report


async def test_x12_a_latest_that_is_long_unchanged_is_shown_with_its_age(project):
    old, new = tag_of(400 * 24 * 60 + 60), tag_of(30)
    project.write(RELEASE_PATH, RELEASE)
    project.commit()
    for name in (old, new):
        project._git("tag", name)
    frozen = release(old, "sha256:0")
    await put(project, frozen, old, "latest")

    folder = await project.ci().audit(tag=old)
    for name in ("report.md", "report.html"):
        text = await folder.file(name).contents()
        assert f"{frozen.top.digest}, which is {old}, 400 days old" in text
    document = json.loads(await folder.file("report.json").contents())
    assert [each["age_s"] // (24 * 60 * 60) for each in document["registry"]["releases"]] == [400]
    # A registry that goes on showing the old one is told by git, which has a newer release.
    newer = [each["subject"] for each in document["findings"] if each["rule"] == "CI201"]
    assert newer == [new]
