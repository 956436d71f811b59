#!/bin/sh
# Fills wheelhouse/ with the wheels that locks/ names, for both platforms, so that the image builds
# without a network. Does nothing when the locks are those it was filled from.
#
# PYTHON names the interpreter whose pip downloads (default: python3).
set -eu
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR
. ./wheel-options.sh

if cmp -s locks/test.txt wheelhouse/filled-from.txt; then
    exit 0
fi
echo "==> app/wheelhouse: wheels of app/locks for linux/amd64 and linux/arm64" >&2

# Filled beside and moved into place: an interrupted run leaves no half wheelhouse.
rm -rf wheelhouse.new
mkdir wheelhouse.new
trap 'rm -rf wheelhouse.new' EXIT
for architecture in amd64 arm64; do
    # test.txt holds all of run.txt, at the same versions.
    # shellcheck disable=SC2046 # options are words
    "${PYTHON:-python3}" -m pip --disable-pip-version-check download --quiet \
        --require-hashes --no-deps $(wheel_options "$architecture") \
        --requirement locks/test.txt --dest wheelhouse.new || {
        echo "WheelsMissing: pip could not download what app/locks/test.txt pins" >&2
        echo "  now: app/wheelhouse is as it was" >&2
        echo "  do: see pip's reason above; when the package index is reachable, run it again" >&2
        exit 1
    }
done
cp locks/test.txt wheelhouse.new/filled-from.txt
rm -rf wheelhouse
mv wheelhouse.new wheelhouse
