#!/bin/sh
# Makes everything that the demonstration and the tests need and that is not there yet.
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh

wheelhouse() { # so that the app's image builds without a network
    PYTHON=$PWD/.venv/bin/python app/wheelhouse.sh
}

mkdir -p .local/rehearsal/log
engine=$(machine_engine)
if [ -n "$engine" ]; then
    sh rehearsal/packages.sh found
    sh rehearsal/venv.sh dev
    wheelhouse
    exec .venv/bin/python -m rehearsal up --engine "$engine"
fi

sh rehearsal/packages.sh own
[ "$(id -u)" = 0 ] || fail "NotRoot: no Docker engine answers, and only root may start one" \
    "nothing was started" "start Docker, or run this as root"

# What the base image is made from names its folder: a change makes it anew.
recipe=$(cat rehearsal/rootfs.sh rehearsal/base_image.py | sha256sum | cut -c 1-12)
base=.local/rehearsal/base-$recipe
if [ ! -e "$base/index.json" ]; then
    say "base image: Debian packages into a root file system, for two platforms (half a minute)"
    rm -rf .local/rehearsal/base-*
    sh rehearsal/rootfs.sh "$PWD/$base" >.local/rehearsal/log/rootfs.log 2>&1 &
    rootfs_job=$!
fi
sh rehearsal/venv.sh dev
wheelhouse
if [ -n "${rootfs_job:-}" ]; then
    wait "$rootfs_job" || fail "BaseImageMissing: mmdebstrap could not make the root file system" \
        "no service was started" "read .local/rehearsal/log/rootfs.log, then run this again"
fi
exec .venv/bin/python -m rehearsal up --base "$base"
