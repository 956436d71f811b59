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
dagger query '{version}' </dev/null >/dev/null || fail "DaggerMissing: dagger reaches no engine" \
    "no test was run" "see the message above; start Docker or set _EXPERIMENTAL_DAGGER_RUNNER_HOST"
CI_ENGINE=dagger exec .venv/bin/python -m pytest tests/engine tests/cli tests/calls
