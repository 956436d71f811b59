"""The cache holds across sessions, shares work under way, and is pruned by size."""

import os
import time
from pathlib import Path

import anyio
import dagger
from dagger import dag

from ci.embedded.store import Store
from ci.embedded.tree import Tree
from tests.embedded.observer import BASE, Docker, OpenSession


async def now(command: str = "date +%s.%N") -> str:
    return await dag.container().from_(BASE).with_exec(["sh", "-c", command]).stdout()


async def test_a_result_survives_its_session(open_session: OpenSession) -> None:
    results = []
    for _ in range(2):
        with open_session():
            async with dagger.connection(dagger.Config(log_output=None)):
                results.append(await now())
    assert results[0] == results[1]


async def test_a_result_whose_image_is_gone_is_made_again(
    open_session: OpenSession, docker: Docker
) -> None:
    results = []
    for _ in range(2):
        with open_session():
            async with dagger.connection(dagger.Config(log_output=None)):
                results.append(await now("date +%N; : image gone"))
        for image in docker.http.get("/images/json").json():
            for tag in image.get("RepoTags") or ():
                if tag.startswith("ci-embedded:"):
                    docker.http.delete(f"/images/{tag}")
    assert results[0] != results[1]


async def test_the_same_step_asked_for_at_once_runs_once(open_session: OpenSession) -> None:
    results: list[str] = []

    async def one() -> None:
        results.append(await now("date +%N; sleep 0.3; : shared"))

    with open_session():
        async with (
            dagger.connection(dagger.Config(log_output=None)),
            anyio.create_task_group() as group,
        ):
            for _ in range(5):
                group.start_soon(one)
    assert len(results) == 5
    assert len(set(results)) == 1


async def test_independent_steps_run_at_the_same_time(open_session: OpenSession) -> None:
    spans: list[tuple[float, float]] = []

    async def one(number: int) -> None:
        printed = await now(f"date +%s.%N; sleep 2; date +%s.%N; : {number}")
        start, end = printed.split()
        spans.append((float(start), float(end)))

    with open_session():
        async with (
            dagger.connection(dagger.Config(log_output=None)),
            anyio.create_task_group() as group,
        ):
            for number in range(3):
                group.start_soon(one, number)
    assert max(start for start, _ in spans) < min(end for _, end in spans)


def test_what_was_used_longest_ago_is_pruned_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digests = [store.put_bytes(bytes([number]) * 1000) for number in range(4)]
    for age, digest in enumerate(reversed(digests)):
        os.utime(store.blob_path(digest), (1000 - age, 1000 - age))
    store.put("old", {}, image="ci-embedded:old", size_bytes=5000)
    store.put("new", {}, image="ci-embedded:new", size_bytes=1500)
    assert store.prune(2000, keep_newer_than=time.time() + 1) == ["ci-embedded:old"]
    assert [store.has_blob(digest) for digest in digests] == [False, False, True, True]
    assert store.get("old") is None
    assert store.get("new") == {}


def test_nothing_that_is_in_use_is_pruned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.put_bytes(b"fresh")
    store.put("fresh", {}, image="ci-embedded:fresh", size_bytes=5000)
    assert store.prune(0, keep_newer_than=time.time() - 60) == []
    assert store.has_blob(digest)
    assert store.get("fresh") == {}


def test_a_tree_whose_contents_were_pruned_is_not_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entry = store.new_file(b"gone soon")
    kept = store.put_tree(Tree({"file": entry}))
    assert store.tree(kept) is not None
    store.blob_path(entry.content).unlink()
    assert store.tree(kept) is None
