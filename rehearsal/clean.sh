#!/bin/sh
# Stops what this checkout started and removes what it made.
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh

if [ -d .local/rehearsal ]; then
    # Needs nothing of .venv, which may be half made.
    python3 -m rehearsal down
fi
say "folders: .venv .local app/wheelhouse"
rm -rf .venv .local app/wheelhouse .mypy_cache .pytest_cache .ruff_cache .hypothesis
find app ci rehearsal tests -name __pycache__ -prune -exec rm -rf {} +
