#!/bin/sh
# Writes locks/run.txt and locks/test.txt from pyproject.toml: versions and hashes, for every
# platform, without the address of an index. Options (such as --upgrade) go on to `uv pip compile`.
set -eu
cd "$(dirname "$0")"

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --custom-compile-command app/relock.sh "$@"
}

compile "$@" --output-file locks/run.txt pyproject.toml
# The tests run on exactly what is released, plus their own tools.
compile "$@" --output-file locks/test.txt --constraints locks/run.txt --group test pyproject.toml
