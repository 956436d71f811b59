"""Deploys on a real server, each judged by what that server's Docker and port show."""

import pytest

from tests.server.observer import running, version

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_a_good_image_is_deployed_and_proven(stack, image):
    done = stack.deploy(image("good"))
    assert (done.exit_code, done.code) == (0, "Done"), done.text
    assert running(stack) == (image("good").reference, image("good").config)
    assert version(stack) == image("good").tag
