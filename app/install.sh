#!/bin/sh
# install.sh LOCK ARCHITECTURE FOLDER: installs what locks/LOCK names, for linux on `amd64` or
# `arm64`, into FOLDER. Runs inside the image's build stages.
#
# A wheelhouse that was filled from the locks as they are now is used alone, without any network;
# else the packages come from pip's index. The hashes make it the same packages either way.
set -eu
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR
. ./wheel-options.sh

lock=locks/$1.txt
options=$(wheel_options "$2")
if cmp -s locks/test.txt wheelhouse/filled-from.txt; then
    echo "install: packages from the wheelhouse" >&2
    options="$options --no-index --find-links=wheelhouse"
else
    echo "install: packages from the index, there is no wheelhouse for these locks" >&2
fi

# The lock is complete, so nothing is resolved: --no-deps.
# shellcheck disable=SC2086 # options are words
if ! python -m pip --disable-pip-version-check --no-cache-dir install --quiet --retries=2 \
    --require-hashes --no-deps $options --requirement "$lock" --target "$3" \
    --root-user-action=ignore; then
    echo "PackagesMissing: pip could not install $lock; its reason is above" >&2
    echo "  now: nothing was built" >&2
    echo "  do: without a network fill app/wheelhouse first (make wheelhouse), then build again" >&2
    exit 1
fi
# The checkout's umask must not decide what the service's user may read.
chmod -R a+rX "$3"
