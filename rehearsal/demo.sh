#!/bin/sh
# The main job on this machine: publish the app under a fresh tag, verify it, show what is there.
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh
set -a
# shellcheck source=/dev/null
. .local/rehearsal/env
set +a

started=$(date +%s)
image=$REHEARSAL_REGISTRY/acme/observer
# A rehearsal may be of work that is not committed; its labels say so.
dirty=
[ -z "$(git status --porcelain -- app)" ] || dirty=--dirty

call() {
    ./daggerw call --image "$image" --via "tcp://$REHEARSAL_REGISTRY" \
        --user "$REHEARSAL_USER" --token "file:$REHEARSAL_TOKEN_FILE" "$@"
}

say "./daggerw call tag"
tag=$(./daggerw call tag)
say "./daggerw call --image $image --via tcp://$REHEARSAL_REGISTRY" \
    "--user $REHEARSAL_USER --token file:… publish --tag $tag${dirty:+ $dirty}"
reference=$(call publish --tag "$tag" ${dirty:+"$dirty"})
say "./daggerw call … verify --tag $tag --digest ${reference##*@}"
table=$(call verify --tag "$tag" --digest "${reference##*@}")
say "done in $(($(date +%s) - started)) s"

cat <<END

$table

published   $reference
registry    $REHEARSAL_REGISTRY (user $REHEARSAL_USER, password in $REHEARSAL_TOKEN_FILE)
run it      export DOCKER_HOST=$DOCKER_HOST
            docker login --username $REHEARSAL_USER --password-stdin $REHEARSAL_REGISTRY <"$REHEARSAL_TOKEN_FILE"
            docker run --rm --publish 127.0.0.1:8000:8000 $image:$tag
state       $PWD/.local (logs in .local/rehearsal/log), .venv, app/wheelhouse
clean up    make clean
END
