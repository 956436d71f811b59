#!/bin/sh
# Fills app/wheelhouse, so that the image builds without a network. Instant when it was filled from
# the app's locks as they are. The app knows how; this only names a python that has pip.
set -eu
cd "$(dirname "$0")/.."
PYTHON=$PWD/.venv/bin/python exec app/wheelhouse.sh
