#!/bin/sh
# The engine's and the stages' tests on a real Dagger: its CLI on PATH, and an engine that answers.
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh

command -v dagger >/dev/null 2>&1 || fail "DaggerMissing: no dagger on PATH" "no test was run" \
    "install Dagger (or CI_ENGINE=dagger ./daggerw version) and put it on PATH, then run this again"
dagger query '{version}' </dev/null >/dev/null || fail "DaggerMissing: dagger reaches no engine" \
    "no test was run" "see the message above; start Docker or set _EXPERIMENTAL_DAGGER_RUNNER_HOST"
CI_ENGINE=dagger exec .venv/bin/python -m pytest tests/engine tests/stages
