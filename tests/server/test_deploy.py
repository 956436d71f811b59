"""Deploys on a real server, each judged by what that server's Docker and port show."""

import httpx
import pytest

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


def running(stack):
    """Config.Image and image id of the one running container."""
    (container,) = stack.service()
    assert container["State"]["Running"]
    return container["Config"]["Image"], container["Image"]


def version(stack):
    address = stack.remote.server["SERVER_HOST"]
    return httpx.get(f"http://{address}:8000/version", trust_env=False).json()["tag"]


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_a_good_image_is_deployed_and_proven(stack, image):
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert version(stack) == image("good").tag
