#!/bin/sh
# Installs the Debian packages that the rehearsal needs and that are missing; says so first.
# usage: packages.sh own|found   (own: we start a Docker daemon ourselves; found: one is there)
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh

missing=
need() { # package, command
    command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}

if [ "$1" = own ]; then
    need docker.io dockerd
    need docker-registry docker-registry
    need mmdebstrap mmdebstrap
    need skopeo skopeo
    # Docker's name server in containers' networks needs it, though the host's rules stay untouched.
    need iptables iptables
    need iproute2 ip
    need util-linux setpriv
    # The rehearsal server's keys, and the client that its tests use.
    need openssh-client ssh
    # The tests' own SSH servers, each on a free port of loopback.
    PATH=$PATH:/usr/sbin need openssh-server sshd
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"
fi
need git git
python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3 python3-venv"
[ -n "$missing" ] || exit 0

hint="install them yourself:$missing"
command -v apt-get >/dev/null 2>&1 || fail "PackagesMissing: no apt-get, and not found:$missing" \
    "nothing was installed" "$hint, or start Docker (then only Python and git are needed)"
[ "$(id -u)" = 0 ] || fail "NotRoot: not found:$missing" "nothing was installed" \
    "$hint (or run this as root), or start Docker (then only Python and git are needed)"

say "Debian packages, installed with apt-get:$missing"
say "their services are neither started nor enabled"
# The packages docker.io and docker-registry would start system services, the second on port 5000.
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ]; then
    trap 'rm -f "$guard"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod +x "$guard"
fi
mkdir -p .local/rehearsal/log
log=.local/rehearsal/log/apt.log
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    fail "PackagesMissing: apt-get could not install:$missing" "see $log" \
        "make 'apt-get install$missing' work, then run this again"
fi
disable() { systemctl disable --quiet "$@" 2>/dev/null || true; }
case "$missing " in *" docker"*) disable docker-registry docker containerd ;; esac
case "$missing " in *" openssh-server "*) disable ssh ;; esac
