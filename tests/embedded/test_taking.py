"""Layers come out of Docker by push, or by save where Docker cannot dial this machine."""

import io
import json
import tarfile
from pathlib import Path

import dagger
import pytest
from dagger import dag

from tests.embedded.observer import BASE, OpenSession


async def exported(path: Path) -> dict[str, object]:
    """The config of an image with a layer of a build and one of files, read from its archive."""
    source = dag.directory().with_new_file("Dockerfile", f"FROM {BASE}\nRUN echo made > /made\n")
    await source.docker_build().with_new_file("/added", "file").export(str(path))
    with tarfile.open(path) as tar:
        names = set(tar.getnames())
        listed = json.load(tar.extractfile("manifest.json") or io.BytesIO())[0]
        assert set(listed["Layers"]) <= names
        config: dict[str, object] = json.load(tar.extractfile(listed["Config"]) or io.BytesIO())
        return config


@pytest.mark.parametrize("way", ["push", "save"])
async def test_either_way_gives_the_same_file_systems(
    way: str, open_session: OpenSession, tmp_path: Path
) -> None:
    with open_session(CI_EMBEDDED_TRANSFER=way, CI_EMBEDDED_VERBOSE="1"):
        async with dagger.connection(dagger.Config(log_output=None)):
            config = await exported(tmp_path / "image.tar")
            base = dag.container().from_(BASE)
            await base.export(str(tmp_path / "base.tar"))
    with tarfile.open(tmp_path / "base.tar") as tar:
        listed = json.load(tar.extractfile("manifest.json") or io.BytesIO())[0]
        below = json.load(tar.extractfile(listed["Config"]) or io.BytesIO())["rootfs"]["diff_ids"]
    diff_ids = config["rootfs"]["diff_ids"]  # type: ignore[index]
    assert diff_ids[: len(below)] == below
    assert len(diff_ids) == len(below) + 2
