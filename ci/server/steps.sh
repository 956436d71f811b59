# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# The steps of a deploy. Each says what it does in the journal before it does it.

# Folders of memory that a credential may lie in for the time of a pull.
memory_folders() { printf '%s\n' "${XDG_RUNTIME_DIR:-}" /dev/shm "/run/user/$(id -u)"; }

# This directory's own: another stack's deploy by the same user may be in its pull.
credentials_name() { echo "ci-deploy-$(id -u)-$(printf %s "$home" | sha256sum | cut -c 1-12)"; }

remove_credentials() {
    for folder in $(memory_folders); do rm -rf "${folder:?}/$(credentials_name)"; done
}

write_credentials() { # sets $docker_config
    for folder in $(memory_folders); do
        [ -w "$folder" ] && [ "$(stat -f -c %T "$folder" 2>/dev/null)" = tmpfs ] || continue
        docker_config=$folder/$(credentials_name)
        mkdir -m 700 "$docker_config" || break
        [ -z "$auth" ] || printf '{"auths":{"%s":{"auth":"%s"}}}\n' "${repository%%/*}" "$auth" \
            >"$docker_config/config.json" || break
        return 0
    done
    wrong NoTmpfs "no folder in memory is writable for this user" \
        "mount a tmpfs on /dev/shm: a credential is never written to a disk"
}

pull() {
    journal pulling && keep_a_way_back || return 1
    if ! have_image; then
        [ "$asked_for$gone" != rollbackyes ] || code=NoRollbackTarget
        return 1
    fi
    journal pulled
}

# A reference by digest names its bytes: what is here is what the registry has.
have_image() {
    gone=
    ask image inspect "$reference" >/dev/null || pull_image
}

# What would have to be brought back is here, or comes from the registry, before anything changes.
keep_a_way_back() {
    [ "$old" != none ] || return 0
    lenient=$accept_no_rollback gone=''
    use_plan "$old" && have_image
    verdict=$?
    case $verdict$gone$code in
    1yes* | 1PlanInvalid)
        seen="the release before cannot be brought back: $seen"
        [ "$lenient" = yes ] && say note "$seen; going on all the same" && verdict=0
        code=NoRollbackTarget remedy="deploy with --accept-no-rollback to go on without a way back"
        ;;
    esac
    [ "$verdict" = 0 ] && use_plan "$new"
}

pull_image() {
    write_credentials || return 1
    for attempt in 1 2 3; do
        say progress "pull $attempt of 3: $reference"
        docker_in "$pull_timeout" --config "$docker_config" pull --quiet "$reference" \
            >"$scratch/pull" 2>&1
        case $? in
        0) remove_credentials && return 0 ;;
        124) echo "no end after $pull_timeout s" >>"$scratch/pull" ;;
        esac
        # These do not heal by asking again.
        ! grep -qE "no space left|$GONE|$BAD_BYTES" "$scratch/pull" || break
        [ "$attempt" = 3 ] || sleep "$attempt"
    done
    remove_credentials
    pull_failed
}

GONE='manifest unknown|unknown blob|blob unknown'
BAD_BYTES='verification failed for digest|does not match digest|wrong digest'

pull_failed() {
    # A signed address may stand in it.
    text=$(end_of "$scratch/pull" 2 | sed 's/?[^ ]*/?…/g')
    if grep -q 'no space left' "$scratch/pull"; then
        wrong DiskFull "$text" "free space: docker image prune --all"
    elif grep -qE "$BAD_BYTES" "$scratch/pull"; then
        wrong DigestMismatch "$text" "verify the release in the registry, and publish it anew"
    elif grep -qE "$GONE" "$scratch/pull"; then
        gone=yes
        wrong ServerCannotPull "the registry has no $reference" "publish it, or deploy another release"
    else
        wrong ServerCannotPull "$text" "let the server reach ${repository%%/*}; check the token's rights"
    fi
}

# Those that run are left alone, whatever their configuration.
start_dependencies() {
    [ -n "$dependencies" ] || return 0
    journal dependencies || return 1
    for dependency in $dependencies; do
        is_ready "$dependency" && continue
        waiting_since=$(moment)
        compose up --detach --no-recreate --no-build --no-deps "$dependency" >"$scratch/compose" 2>&1 ||
            { quote compose <"$scratch/compose"; }
        until is_ready "$dependency"; do
            [ "$(since "$waiting_since")" -lt "$timeout" ] || {
                last_words "$(containers_of "$dependency" | head -n 1)"
                wrong DependencyFailed "$dependency is not up" "read the lines above"
                return 1
            }
            sleep 0.3
        done
    done
}

is_ready() { # service
    for container in $(containers_of "$1"); do
        look "$container" && [ "$status" = running ] || continue
        case $health in
        healthy) return 0 ;;
        none) ! is_steady || return 0 ;;
        esac
    done
    return 1
}

STEADY_S=5

# Seen running is not up: a crash loop is, between two crashes. The same run is seen once more.
is_steady() { # the container that was looked at
    steady_s=$((window < STEADY_S ? window : STEADY_S)) sighted='' sighted_at=0
    ! has_run_for "$steady_s" || return 0
    [ ! -f "$scratch/seen-$id" ] || read -r sighted sighted_at <"$scratch/seen-$id"
    if [ "$sighted" = "$started/$restarts" ]; then
        [ "$(since "$sighted_at")" -ge "$steady_s" ]
    else
        echo "$started/$restarts $(moment)" >"$scratch/seen-$id"
        return 1
    fi
}

# As Docker tells it; where the server's date cannot name an earlier moment, nothing is known.
has_run_for() { # seconds; of the container that was looked at
    earlier=$(date -u -d "@$(($(now) - $1 - 1))" +%Y-%m-%dT%H:%M:%S 2>/dev/null) &&
        [ "$(printf '%s\n' "$started" "$earlier" | sort | head -n 1)" = "$started" ]
}

candidate_name() { echo "ci-candidate-$project-$service"; }

remove_candidate() {
    ask inspect --type container "$(candidate_name)" >/dev/null || return 0
    docker_in "$CHANGE_S" rm --force --volumes "$(candidate_name)" >/dev/null 2>&1
}

# The same digest and configuration beside the running container, without its ports.
try_candidate() {
    [ -z "$front" ] || { try_beside && return; } || return 1
    [ "$candidate" = on ] || return 0
    journal candidate && remove_candidate || return 1
    if ! compose run --detach --no-deps --name "$(candidate_name)" "$service" \
        >"$scratch/compose" 2>&1; then
        quote compose <"$scratch/compose"
        wrong CandidateFailed "it could not be started: $(end_of "$scratch/compose" 1)" \
            "read the lines above"
    else
        judge "$(candidate_name)" "$service" fresh && prove "$(candidate_name)" "$service"
    fi
    verdict=$?
    [ "$verdict" = 0 ] || last_words "$(candidate_name)"
    remove_candidate
    [ "$verdict" = 0 ] && journal candidate-proven
}

commit() {
    journal proven || return 1
    if ! grep -q " $new " "$home/ledger" 2>/dev/null; then
        line="$(date -u +%Y-%m-%dT%H:%M:%SZ) $new $tag $reference $config $compose"
        { cat "$home/ledger" 2>/dev/null; echo "$line"; } | write_file "$home/ledger" ||
            wrong StateUnwritable "the ledger in $home cannot be written" "free space (df $home), then: ./daggerw call recover" ||
            return 1
    fi
    keep_images
    journal settled
}

kept_name() { echo "ci-kept/$project/$service:$(echo "${1#*sha256:}" | cut -c 1-12)"; }

# Local tags hold the last proven images against `docker image prune`; older ones are let go.
keep_images() {
    docker_in "$ASK_S" tag "$reference" "$(kept_name "$reference")" 2>&1 | quote note
    cut -d ' ' -f 4 "$home/ledger" | awk '{a[NR] = $0} END {for (i = NR; i; i--) if (!s[a[i]]++) print a[i]}' |
        tail -n "+$((keep + 1))" | while IFS= read -r older; do
        docker_in "$CHANGE_S" rmi "$(kept_name "$older")" "$older" >/dev/null 2>&1
    done
}
