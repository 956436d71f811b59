#!/bin/sh
# Makes what the rehearsal server is started from: its root file system, and the image that stands
# for postgres:16 there (Debian's own PostgreSQL behind the same variables).
# usage: server_rootfs.sh DIRECTORY   -> DIRECTORY/rootfs/, DIRECTORY/postgres.tar
set -eu
cd "$(dirname "$0")/.."
target=$1

# The mirror that this machine's apt uses, so that a company's own is used here too.
# shellcheck disable=SC2016 # apt's own variable
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Origin: Debian' \
    'Created-By: Packages' 2>/dev/null | sort -u | head -n 1)

make_rootfs() { # suite, output, packages, further options
    suite=$1 output=$2 packages=$3
    shift 3
    mmdebstrap --quiet --variant=minbase --include="$packages" \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        "$@" "$suite" "$output" ${mirror:+"$mirror"}
}

mkdir -p "$target"
# Trixie, not this machine's release: the server's Docker is not the one that builds.
# shellcheck disable=SC2016 # "$1" is the hook's own argument
make_rootfs trixie "$target/rootfs" \
    docker.io,docker-cli,docker-compose,openssh-server,iptables,iproute2,curl,busybox \
    --customize-hook='chroot "$1" useradd --create-home --shell /bin/sh --groups docker deploy' \
    --customize-hook='chroot "$1" usermod --password "*" deploy' \
    --customize-hook='rm -rf "$1"/var/cache/apt "$1"/var/lib/apt/lists "$1"/etc/ssh/ssh_host_*' &
server_job=$!
# shellcheck disable=SC2016 # as above
make_rootfs bookworm "$target/postgres.tar" postgresql \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
    --dpkgopt='path-exclude=/usr/lib/*-linux-gnu/libLLVM*' \
    --customize-hook='copy-in rehearsal/server_postgres.sh /usr/local/bin' \
    --customize-hook='chmod 755 "$1"/usr/local/bin/server_postgres.sh' \
    --customize-hook='rm -rf "$1"/var/cache/* "$1"/var/lib/apt/lists "$1"/var/lib/postgresql/*'
wait "$server_job"
