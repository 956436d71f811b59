"""Secrets reach the module by env:, file: and cmd:, and are shown nowhere."""

import shlex

import pytest

pytestmark = [pytest.mark.registry, pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("provider", ["env", "file", "cmd"])
def test_token_and_key_come_from_each_provider(caller, provider):
    token_file = str(caller.site.credentials.token_file)
    key_file = caller.site.stack.remote.server["SERVER_KEY_FILE"]
    token, key = {
        "env": ("env:TOKEN_OF_TEST", "env:KEY_OF_TEST"),
        "file": (f"file:{token_file}", f"file:{key_file}"),
        "cmd": (f"cmd:cat {shlex.quote(token_file)}", f"cmd:cat {shlex.quote(key_file)}"),
    }[provider]
    requests, visits = len(caller.registry.log), caller.server.visits
    done = caller.run("status", token=token, key=key)
    assert done.returncode == 0, done.stderr
    assert len(caller.registry.log) > requests
    assert caller.server.visits > visits
    printed = done.stdout + done.stderr
    assert "TokenRejected" not in printed
    assert caller.site.credentials.token not in printed
    assert "PRIVATE KEY" not in printed
