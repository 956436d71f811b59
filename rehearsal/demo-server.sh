#!/bin/sh
# The demonstration's second half, on the rehearsal server: deploy, proof, a bad image, rollback.
# usage: demo-server.sh TAG [--dirty]   (TAG: what demo.sh published)
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh
load_rehearsal
first=$1 dirty=${2:-}
folder=.local/rehearsal/demo
known=$folder/known_hosts
words="--host production --key file:… --known …"

leave_out() { # why
    say "deploy, proof and rollback are left out on this machine: $1"
    exit 0
}

# The server that ci.toml names is played by the rehearsal's: the same account and folder, dialled
# by --link, under the host key that is expected of it.
start_server() {
    .venv/bin/python -m rehearsal.server up >/dev/null
    # shellcheck source=/dev/null
    . .local/rehearsal/server/classic/env
    mkdir -p "$folder"
    sed "s/^[^ ]*/server.example.com/" "$SERVER_KNOWN_HOSTS" >"$known"
    root=${SERVER_DOCKER_HOST#unix://}
    root=${root%/run/docker.sock}
    # What an administrator does once: the application's folder, and what only this server knows.
    directory=$(sed -n 's/^directory = "\(.*\)"$/\1/p' ci.toml)
    chroot "$root" install -d -o "$SERVER_USER" -g "$SERVER_USER" "$directory"
    [ ! -e "$root$directory/.env" ] || return 0
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "POSTGRES_PASSWORD=$password" >"$root$directory/.env")
    chroot "$root" chown "$SERVER_USER:$SERVER_USER" "$directory/.env"
}

to_server() {
    call --link "tcp://$SERVER_HOST:$SERVER_PORT" "$@" \
        --host production --key "file:$SERVER_KEY_FILE" --known "$known"
}

# A copy of this repository with one more commit, good until it meets a real database.
make_bad() {
    rm -rf "$folder/bad"
    git clone --quiet . "$folder/bad"
    cp -R app/wheelhouse "$folder/bad/app/"
    sed -i 's/SELECT 1"/SELECT 1 FROM a_table_of_tomorrow"/' "$folder/bad/app/observer/health.py"
    git -C "$folder/bad" -c user.name=demo -c user.email=demo@localhost commit --quiet --all \
        --message "Ask for a table that no database has yet"
}

keep_the_bad_one_out() {
    health=$SERVER_HOST:8000/health
    .venv/bin/python -m rehearsal.watch "$health" >"$folder/watched" &
    watcher=$!
    trap 'kill "$watcher" 2>/dev/null || :' EXIT
    if to_server --source "$folder/bad" release --tag "$third"; then
        fail "BadImageDeployed: $third was let in" "it runs" "report this, with the output above"
    fi
    kill -TERM "$watcher"
    wait "$watcher"
    trap - EXIT
    seen=$(cat "$folder/watched")
    say "$third was published and verified, and refused by the server, as it should be; all the time"
    say "http://$health gave $seen, and serves $(served)"
    case $seen in
    *", 0 failed") ;;
    *) fail "ServiceInterrupted: the good release did not answer every time" "$second runs" \
        "report this, with the output above" ;;
    esac
}

served() { .venv/bin/python -m rehearsal.watch "$SERVER_HOST:8000/version" --once; }

[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] ||
    leave_out "only root on Linux can start a server of its own beside it"
command -v mmdebstrap >/dev/null 2>&1 || leave_out "the server is made by Debian's mmdebstrap"

start_server
say "./daggerw call … deploy --tag $first $words"
show to_server deploy --tag "$first"
second=$(./daggerw call tag)
say "the next release, its whole path in one call"
say "./daggerw call … release --tag $second $words"
show to_server release --tag "$second" ${dirty:+"$dirty"}
make_bad
third=$(./daggerw call tag)
say "a bad release: its tests pass and its image runs, but it asks for a table that is not there"
say "./daggerw call … --source $folder/bad release --tag $third $words"
keep_the_bad_one_out
say "back to the release before the running one"
say "./daggerw call … rollback $words"
show to_server rollback
say "http://$SERVER_HOST:8000 serves $(served)"
