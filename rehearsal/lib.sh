# shellcheck shell=sh
# Shared by the rehearsal's scripts; they source it from the checkout's root.

say() { printf '==> %s\n' "$*" >&2; }

fail() { # code and what was seen, what is true now, what to do
    printf '%s\n  now: %s\n  do: %s\n' "$1" "$2" "$3" >&2
    exit 1
}

# Administrators' tools (dockerd, ip, iptables) are not on every user's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

# The address of the Docker daemon that an earlier set-up of this checkout started, if any.
own_engine() {
    # shellcheck source=/dev/null
    [ ! -f .local/rehearsal/env ] || (. .local/rehearsal/env && echo "$REHEARSAL_OWN_ENGINE")
}

# The address of a Docker engine of this machine that answers; none when there is only ours.
machine_engine() {
    command -v docker >/dev/null 2>&1 || return 0
    address=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)}
    [ "$address" != "$(own_engine)" ] || return 0
    if docker --host "$address" version >/dev/null 2>&1; then
        echo "$address"
    elif [ -n "${DOCKER_HOST:-}" ]; then
        fail "DockerUnreachable: DOCKER_HOST=$DOCKER_HOST does not answer" "nothing was started" \
            "start that Docker engine, or unset DOCKER_HOST"
    fi
}

# The variables that say how to reach the rehearsal, for this script and what it calls.
load_rehearsal() {
    set -a
    # shellcheck source=/dev/null
    . .local/rehearsal/env
    set +a
}

# The pipeline on the rehearsal's registry.
call() {
    ./daggerw call --image "$REHEARSAL_REGISTRY/acme/observer" --via "tcp://$REHEARSAL_REGISTRY" \
        --user "$REHEARSAL_USER" --token "file:$REHEARSAL_TOKEN_FILE" "$@"
}

# A command's result, with the line's end that results do not have.
show() {
    result=$("$@")
    printf '\n%s\n\n' "$result"
}
