"""Any repository with a Dockerfile and a ci.toml is released by this module as it is."""

import json

import pytest

from tests.engine.engines import is_embedded

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]
LABEL = "org.opencontainers.image"
PROJECTS = {
    "go-service": {"linux/amd64", "linux/arm64"},
    "site": {"linux/amd64", "linux/arm64"},
    "shop": {"linux/amd64"},
}


@pytest.mark.parametrize(("name", "platforms"), PROJECTS.items(), ids=PROJECTS)
def test_a_foreign_repository_is_published_under_its_own_commit(
    foreign, name, platforms, tag, skopeo
):
    theirs = foreign(name)
    published = theirs.call("publish", "--tag", tag)
    assert published.returncode == 0, published.stderr
    digest = published.stdout.strip().rpartition("@")[2]

    skopeo.log_in(theirs.registry, theirs.credentials)
    found = set()
    for child in images_of(skopeo, theirs.image, digest):
        words = ("inspect", "--config", "--tls-verify=false", f"docker://{theirs.image}@{child}")
        config = json.loads(skopeo.allowed(*words))
        found.add(f"{config['os']}/{config['architecture']}")
        labels = config["config"]["Labels"]
        assert labels[f"{LABEL}.revision"] == theirs.git("rev-parse", "HEAD")
        assert labels[f"{LABEL}.version"] == tag
    assert found == platforms

    verified = theirs.call("verify", "--tag", tag, "--digest", digest)
    assert verified.returncode == 0, verified.stderr


def images_of(skopeo, image, digest):
    """The digests of a release's images; one platform alone has no index."""
    words = ("inspect", "--raw", "--tls-verify=false", f"docker://{image}@{digest}")
    document = json.loads(skopeo.allowed(*words))
    return [entry["digest"] for entry in document.get("manifests", [])] or [digest]


def test_a_setting_that_the_engine_would_lose_is_kept_or_refused(foreign, tag, skopeo):
    theirs = foreign("go-service")
    with (theirs.root / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("STOPSIGNAL SIGINT\n")
    theirs.commit("another signal")
    published = theirs.call("publish", "--tag", tag)
    skopeo.log_in(theirs.registry, theirs.credentials)
    if not is_embedded():
        assert published.returncode == 1
        assert "BuildFailed: Dagger makes an image on scratch for linux/amd64" in published.stderr
        assert "leave STOPSIGNAL out" in published.stderr
        assert skopeo.run("list-tags", "--tls-verify=false", f"docker://{theirs.image}").returncode
        return
    assert published.returncode == 0, published.stderr
    children = images_of(skopeo, theirs.image, published.stdout.strip().rpartition("@")[2])
    for child in children:
        words = ("inspect", "--config", "--tls-verify=false", f"docker://{theirs.image}@{child}")
        assert json.loads(skopeo.allowed(*words))["config"]["StopSignal"] == "SIGINT"
    assert len(children) == 2


def test_a_source_without_a_history_is_refused_before_anything_is_asked(foreign, tag):
    theirs = foreign("site")
    (theirs.root / ".git").rename(theirs.root.parent / "taken away")
    refused = theirs.call("publish", "--tag", tag)
    assert refused.returncode == 1
    assert "ContextInvalid: the source has no .git" in refused.stderr
    assert "S0" in refused.stderr


def test_a_file_that_is_not_committed_is_refused_and_named(foreign, tag):
    theirs = foreign("site")
    (theirs.root / "public" / "new.html").write_text("not committed")
    refused = theirs.call("publish", "--tag", tag)
    assert refused.returncode == 1
    assert "DirtyTree" in refused.stderr
    assert "public/new.html" in refused.stderr
