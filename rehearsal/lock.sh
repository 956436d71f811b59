#!/bin/sh
# Recompiles locks/*.txt from pyproject.toml: hashed, for every platform, without any index's host.
set -eu
cd "$(dirname "$0")/.."

# The module asks for dagger-io without a version (a pin there makes Dagger's load fail), so that
# our own environments take the engine's version from here.
engine=$(sed -n 's/.*"engineVersion": *"v\([0-9.]*\)".*/\1/p' dagger.json)
[ -n "$engine" ] || { echo "lock: dagger.json names no engineVersion" >&2; exit 1; }

[ -x .venv/bin/uv ] || { python3 -m venv .venv && .venv/bin/python -m pip install --quiet uv; }

compile() {
    output=$1
    shift
    echo "==> locks/$output"
    UV_SYSTEM_CERTS=1 .venv/bin/uv pip compile --quiet --cache-dir .local/cache/uv --upgrade \
        --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
        --custom-compile-command "make lock" --output-file "locks/$output" "$@"
}

limits=$(mktemp)
trap 'rm -f "$limits"' EXIT
echo uv >"$limits"
compile uv.txt "$limits"
echo "dagger-io==$engine" >"$limits"
compile run.txt --constraints "$limits" pyproject.toml
compile dev.txt --constraints "$limits" --group pyproject.toml:dev pyproject.toml
# The token server where it runs in a container, at the versions of dev.txt.
cp locks/dev.txt "$limits"
printf 'cryptography\npyjwt\n' | compile token.txt --constraints "$limits" -
