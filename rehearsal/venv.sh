#!/bin/sh
# Makes or renews .venv from the hashed locks; instant when it was made from them.
# usage: venv.sh run|dev   (run: what the module needs; dev: that and what the tests need)
set -eu
kind=${1:-dev}
cd "$(dirname "$0")/.."

fail() { # code and what was seen, what is true now, what to do
    printf '%s\n  now: %s\n  do: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

source_of() { cat locks/uv.txt "locks/$1.txt"; }
is_current() { [ -x .venv/bin/python ] && source_of "$1" 2>/dev/null | cmp -s - ".venv/$1.lock" 2>/dev/null; }

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "PythonMissing: no python3 of 3.11 or newer with the venv module on PATH" \
        "nothing was installed" \
        "install it: on Debian 'apt-get install python3-venv' (make setup does), else from python.org"
}

create() {
    [ -x .venv/bin/python ] || rm -rf .venv
    rm -f .venv/run.lock .venv/dev.lock
    [ -d .venv ] || "$python" -m venv .venv
}

fill() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --require-hashes --requirement locks/uv.txt &&
        # The system's certificates, since a company's proxy is known there; bytecode now, since
        # every later call would pay for it where PYTHONDONTWRITEBYTECODE is set.
        UV_SYSTEM_CERTS=1 .venv/bin/uv pip sync --quiet --cache-dir .local/cache/uv --python \
            .venv/bin/python --require-hashes --compile-bytecode locks/uv.txt "locks/$kind.txt" &&
        source_of "$kind" >".venv/$kind.lock"
}

# The larger set serves for the smaller, and is never traded for it.
if [ "$kind" = run ] && [ -e .venv/dev.lock ]; then kind=dev; fi
if is_current "$kind"; then exit 0; fi

python=$(find_python)
if [ -z "${VENV_LOCKED:-}" ]; then
    # Two calls in a fresh clone would install over each other. flock(1) is not on macOS.
    mkdir -p .local
    VENV_LOCKED=1 exec "$python" -c '
import fcntl, os, sys
lock = os.open(".local/venv.lock", os.O_CREAT | os.O_RDWR)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
os.execvp(sys.argv[1], sys.argv[1:])' sh rehearsal/venv.sh "$kind"
fi

echo "==> .venv: Python packages from locks/$kind.txt (inside this folder only)" >&2
{ create && fill; } || fail "PackagesMissing: the packages of locks/$kind.txt could not be installed" \
    "the environment .venv is incomplete; the next run starts it again" \
    "see the message above; check that the Python package index is reachable, then run it again"
