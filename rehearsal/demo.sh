#!/bin/sh
# The main job on this machine: publish the app under a fresh tag, verify it, deploy it and prove
# what runs; then a bad image that is kept out, and the way back (demo-server.sh).
set -eu
cd "$(dirname "$0")/.."
. rehearsal/lib.sh
load_rehearsal
# A Dagger that is installed would run its module in a container, out of reach of the token server.
CI_ENGINE=${CI_ENGINE:-embedded}
export CI_ENGINE

started=$(date +%s)
image=$REHEARSAL_REGISTRY/acme/observer
# A rehearsal may be of work that is not committed; its labels say so.
dirty=
[ -z "$(git status --porcelain -- app)" ] || dirty=--dirty

say "./daggerw call tag"
tag=$(./daggerw call tag)
say "./daggerw call --image $image --via tcp://$REHEARSAL_REGISTRY" \
    "--user $REHEARSAL_USER --token file:… publish --tag $tag${dirty:+ $dirty}"
reference=$(call publish --tag "$tag" ${dirty:+"$dirty"})
say "./daggerw call … verify --tag $tag --digest ${reference##*@}"
show call verify --tag "$tag" --digest "${reference##*@}"
sh rehearsal/demo-server.sh "$tag" ${dirty:+"$dirty"}
say "done in $(($(date +%s) - started)) s"

cat <<END

published   $reference
registry    $REHEARSAL_REGISTRY (user $REHEARSAL_USER, password in $REHEARSAL_TOKEN_FILE)
run it      export DOCKER_HOST=$DOCKER_HOST
            docker login --username $REHEARSAL_USER --password-stdin $REHEARSAL_REGISTRY <"$REHEARSAL_TOKEN_FILE"
            docker run --rm --publish 127.0.0.1:8000:8000 $image:$tag
state       $PWD/.local (logs in .local/rehearsal/log), .venv, app/wheelhouse
clean up    make clean
END
