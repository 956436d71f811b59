#!/bin/sh
# The engine's and the calls' tests on a real Dagger: its CLI on PATH, and an engine that answers.
# An engine elsewhere has to reach this machine's registries by their names (localhost:PORT).
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh
# Where `CI_ENGINE=dagger ./daggerw` puts the CLI that it installs.
PATH=$PATH:$PWD/.local/bin
if [ -z "${DOCKER_HOST:-}" ] && [ -f .local/rehearsal/env ]; then
    # shellcheck source=/dev/null
    . .local/rehearsal/env
    export DOCKER_HOST
fi

command -v dagger >/dev/null 2>&1 || fail "DaggerMissing: no dagger on PATH" "no test was run" \
    "install Dagger, or let CI_ENGINE=dagger ./daggerw version do it, then run this again"
echo '{version}' | dagger query >/dev/null || fail "DaggerMissing: dagger reaches no engine" \
    "no test was run" "see the message above; start Docker or set _EXPERIMENTAL_DAGGER_RUNNER_HOST"

# Each in a process of its own: a CLI calls into the session that it finds in its environment.
failed=0
for suite in tests/engine tests/cli tests/calls tests/foreign/test_publish.py tests/foreign/test_dependency.py; do
    CI_ENGINE=dagger .venv/bin/python -m pytest "$suite" || failed=1
done
exit "$failed"
