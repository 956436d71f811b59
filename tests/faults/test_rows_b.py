"""Rows B: what is built from. What is wrong with it is told before the registry hears of us."""

import pytest

from ci.decisions.labels import BASE_DIGEST
from ci.errors import BuildFailed, ContextEscape, ContextInvalid, InputError, PipelineError, State
from tests.faults.bench import Bench, minted
from tests.stages.conftest import Project

pytestmark = [
    pytest.mark.engine,
    pytest.mark.registry,
    pytest.mark.usefixtures("connected"),
]


@pytest.fixture
def behind(project: Project, bench: Bench) -> Project:
    """The project, released through the proxy, which sees whether the registry is contacted."""
    project.remote.repository = bench.repository
    return project


async def refused(project: Project, bench: Bench, error: type[PipelineError]) -> PipelineError:
    """Publish, and hold the refusal against what the registry saw."""
    project.commit()
    with pytest.raises(PipelineError) as caught:
        await project.ci().publish(minted())
    assert caught.type is error
    assert (caught.value.state or State.S0) is State.S0
    assert bench.proxy.seen("[A-Z]+", "^/v2/.") == []
    assert bench.observer.tags() == {}
    return caught.value


async def test_b1_a_missing_dockerfile_is_named(behind: Project, bench: Bench):
    (behind.root / "app" / "Dockerfile").unlink()
    error = await refused(behind, bench, ContextInvalid)
    assert "app/Dockerfile" in error.cause
    assert "ci.toml" in error.remedy


async def test_b1_a_missing_context_is_named(behind: Project, bench: Bench):
    behind.write("ci.toml", (behind.root / "ci.toml").read_text().replace('"app"', '"nowhere"'))
    error = await refused(behind, bench, ContextInvalid)
    assert "ci.toml" in error.remedy


async def test_b1_a_stage_that_is_not_there_is_named(behind: Project, bench: Bench):
    behind.write("ci.toml", (behind.root / "ci.toml").read_text().replace('"release"', '"relaese"'))
    error = await refused(behind, bench, ContextInvalid)
    assert "relaese" in error.cause
    assert "release" in error.cause


async def test_b1_settings_with_faults_list_them_all(behind: Project, bench: Bench):
    text = (behind.root / "ci.toml").read_text()
    behind.write("ci.toml", text.replace("timeout_s = 60", "timeout_s = -3\nport = 0\nprot = 1"))
    with pytest.raises(InputError) as caught:
        await behind.ci().publish(minted())
    assert all(word in caught.value.cause for word in ("timeout_s", "port", "prot"))
    assert bench.proxy.log == []


LINKS = {
    "an absolute path": {"a": "/etc/passwd"},
    "a folder above": {"a": "../../secret"},
    "a chain": {"a": "b", "b": "sub/c", "sub/c": "../../outside"},
    "a folder": {"a": "/etc"},
    "through a folder inside": {"sub/d": "..", "a": "sub/d/../outside"},
    "the root itself": {"a": "/"},
}


@pytest.mark.parametrize("links", LINKS.values(), ids=LINKS.keys())
async def test_b2_a_link_that_leads_out_is_refused_with_its_target(
    behind: Project, bench: Bench, links: dict[str, str]
):
    for path, points_at in links.items():
        place = behind.root / "app" / path
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(points_at)
    error = await refused(behind, bench, ContextEscape)
    assert any(points_at in error.cause for points_at in links.values())


async def test_b2_a_link_that_stays_inside_is_built(behind: Project, bench: Bench):
    (behind.root / "app" / "also").symlink_to("answer")
    behind.commit()
    await behind.ci().publish(minted())
    assert bench.observer.holds_tree("latest")


async def test_b8_the_base_image_is_recorded_by_digest(behind: Project, bench: Bench, mirror: str):
    image = await behind.ci().build()
    digest = await image.label(BASE_DIGEST)
    assert digest is not None
    assert digest.startswith("sha256:")


async def test_b9_a_build_that_fails_says_its_last_lines_and_moves_nothing(
    behind: Project, bench: Bench
):
    behind.write(
        "app/Dockerfile",
        "FROM python:3.11-slim AS tests\n"
        "FROM python:3.11-slim AS release\nRUN echo 'very last words' && exit 7\n",
    )
    behind.commit()
    with pytest.raises(BuildFailed) as caught:
        await behind.ci().publish(minted())
    assert "very last words" in caught.value.cause
    assert (caught.value.state, caught.value.exit_class) == (State.S1, 3)
    assert bench.owner.password not in str(caught.value)
    assert bench.observer.tags() == {}


async def test_b9_a_base_image_that_is_not_there_is_named(behind: Project, bench: Bench):
    behind.write("app/Dockerfile", "FROM nosuch:image AS tests\nFROM tests AS release\n")
    behind.commit()
    with pytest.raises(BuildFailed) as caught:
        await behind.ci().publish(minted())
    assert "nosuch:image" in caught.value.cause
    assert bench.observer.tags() == {}
