#!/bin/sh
# Builds a Go program that the tests need (a registry of another make, a service on scratch).
# Debian 12's Go is enough; it is installed where no go is found.
# usage: go-program.sh SOURCE OUTPUT   (for another platform: with GOARCH in the environment)
set -eu
source=$1
case $2 in /*) made=$2 ;; *) made=$PWD/$2 ;; esac
cd "$(dirname "$0")/.."
. rehearsal/lib.sh
[ ! -e "$made" ] || [ -n "$(find "$source" -newer "$made")" ] || exit 0

if ! command -v go >/dev/null 2>&1; then
    command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || fail "GoMissing: no go on PATH" \
        "nothing was installed" "install Go 1.19 or later, then run this again"
    say "Debian package, installed with apt-get: golang-go"
    apt-get update >/dev/null
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends golang-go >/dev/null </dev/null
fi

say "$source, built from a Go module into $made"
mkdir -p "$(dirname "$made")"
# go.sum pins every module's hash. With -modcacherw `make clean` can remove the cache.
export CGO_ENABLED=0 GOMODCACHE="$PWD/.local/cache/go/mod" GOCACHE="$PWD/.local/cache/go/build"
# Go counts its own runs in the user's configuration folder, which is none of ours to write in.
export XDG_CONFIG_HOME="$PWD/.local/cache/go/config"
export GOFLAGS="-mod=readonly -modcacherw -buildvcs=false" GOTOOLCHAIN=local
cd "$source"
go build -trimpath -o "$made.new" .
mv "$made.new" "$made"
