#!/bin/sh
# Makes the root file systems that stand for python:3.11-slim: one of this machine's architecture,
# and one of the other that is only unpacked, since it is copied into and never run.
# usage: rootfs.sh DIRECTORY   -> DIRECTORY/{amd64,arm64,local}.tar
set -eu
target=$1
suite=bookworm
native=$(dpkg --print-architecture)
case $native in
amd64) other=arm64 ;;
arm64) other=amd64 ;;
*)
    echo "no other platform is known for $native" >&2
    exit 1
    ;;
esac

# The mirror that this machine's apt uses, so that a company's own is used here too.
# shellcheck disable=SC2016 # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" 'Origin: Debian' \
    'Created-By: Packages' 2>/dev/null | sort -u | head -n 1)

# Stable bytes: nothing of the time of the build is kept.
export SOURCE_DATE_EPOCH=1700000000
mkdir -p "$target"

make_rootfs() { # architecture, variant, further options
    architecture=$1 variant=$2
    shift 2
    # The hook lets the system be merged-/usr without the package usrmerge, which needs perl.
    mmdebstrap --quiet --architectures="$architecture" --variant="$variant" \
        --include=python3,python3-venv,ca-certificates \
        --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/lib/*-linux-gnu/gconv/*' \
        --dpkgopt='path-exclude=/usr/lib/python3*/EXTERNALLY-MANAGED' \
        "$@" "$suite" "$target/$architecture.partial.tar" ${mirror:+"$mirror"}
}

# In the real image python and pip stand in /usr/local and install there: so does a venv there. It
# is taken out into local.tar, a layer of both images.
# shellcheck disable=SC2016 # "$1" is the hook's own argument
make_rootfs "$native" essential \
    --customize-hook='chroot "$1" python3 -m venv /usr/local' \
    --customize-hook="tar -C \"\$1\" --sort=name --mtime=@$SOURCE_DATE_EPOCH -cf '$target/local.tar' \
        usr/local etc/passwd etc/group" \
    --customize-hook='rm -rf "$1"/usr/local "$1"/var/log/* "$1"/var/cache/*' &
native_job=$!
make_rootfs "$other" extract --include='?essential'
wait "$native_job"
mv "$target/$native.partial.tar" "$target/$native.tar"
mv "$target/$other.partial.tar" "$target/$other.tar"
