#!/bin/sh
# Fills app/wheelhouse with the wheels that app/locks/*.txt pin, for both platforms of the image,
# so that the image builds without a network. Instant when it was filled from these locks.
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh

set -- app/locks/*.txt
[ -e "$1" ] || exit 0
house=app/wheelhouse
if [ -d "$house" ] && cat "$@" | cmp -s - "$house/made-from.lock"; then exit 0; fi

say "app/wheelhouse: wheels of app/locks for linux/amd64 and linux/arm64"
rm -rf "$house"
mkdir -p "$house"
download() { # machine, lock
    # Every tag that Debian 12's glibc (2.36) can run.
    .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
        --only-binary=:all: --require-hashes --implementation cp --python-version 3.11 \
        --platform "manylinux2014_$1" --platform "manylinux_2_17_$1" --platform "manylinux_2_24_$1" \
        --platform "manylinux_2_27_$1" --platform "manylinux_2_28_$1" --platform "manylinux_2_31_$1" \
        --platform "manylinux_2_34_$1" --dest "$house" --requirement "$2"
}
for lock in "$@"; do
    { download x86_64 "$lock" && download aarch64 "$lock"; } || fail \
        "WheelsMissing: pip could not download what $lock pins" "app/wheelhouse is incomplete" \
        "see the message above; check that the Python package index is reachable, then run it again"
done
cat "$@" >"$house/made-from.lock"
