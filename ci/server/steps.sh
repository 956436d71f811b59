# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# The steps of a deploy. Each says what it does in the journal before it does it.

# Folders of memory that a credential may lie in for the time of a pull.
memory_folders() { printf '%s\n' "${XDG_RUNTIME_DIR:-}" /dev/shm "/run/user/$(id -u)"; }

remove_credentials() {
    for folder in $(memory_folders); do rm -rf "$folder/ci-deploy-$(id -u)"; done
}

write_credentials() { # sets $docker_config
    for folder in $(memory_folders); do
        [ -w "$folder" ] && [ "$(stat -f -c %T "$folder" 2>/dev/null)" = tmpfs ] || continue
        docker_config=$folder/ci-deploy-$(id -u)
        mkdir -m 700 "$docker_config" || break
        [ -z "$auth" ] || printf '{"auths":{"%s":{"auth":"%s"}}}\n' "${repository%%/*}" "$auth" \
            >"$docker_config/config.json" || break
        return 0
    done
    wrong NoTmpfs "no folder in memory is writable for this user" \
        "mount a tmpfs on /dev/shm: a credential is never written to a disk"
}

pull() {
    journal pulling || return 1
    # A reference by digest names its bytes: what is here is what the registry has.
    ask image inspect "$reference" >/dev/null || pull_image || return 1
    journal pulled
}

pull_image() {
    write_credentials || return 1
    for attempt in 1 2 3; do
        say progress "pull $attempt of 3: $reference"
        if docker_in "$pull_timeout" --config "$docker_config" pull --quiet "$reference" \
            >"$scratch/pull" 2>&1; then
            remove_credentials
            return 0
        fi
        ! grep -q 'no space left' "$scratch/pull" || break
        [ "$attempt" = 3 ] || sleep "$attempt"
    done
    remove_credentials
    # A signed address may stand in it.
    text=$(tail -n 2 "$scratch/pull" | sed 's/?[^ ]*/?…/g' | tr -s '\n\t ' ' ' | cut -c 1-400)
    case $text in
    *"no space left"*) wrong DiskFull "$text" "free space: docker image prune --all" ;;
    *) wrong ServerCannotPull "$text" "let the server reach ${repository%%/*}; check the token's rights" ;;
    esac
}

# Those that run are left alone, whatever their configuration.
start_dependencies() {
    [ -n "$dependencies" ] || return 0
    journal dependencies || return 1
    for dependency in $dependencies; do
        is_ready "$dependency" && continue
        waited=0
        compose up --detach --no-recreate --no-build --no-deps "$dependency" >"$scratch/compose" 2>&1 ||
            { quote compose <"$scratch/compose"; }
        until is_ready "$dependency"; do
            waited=$((waited + 1))
            [ "$waited" -lt "$timeout" ] || {
                last_words "$(containers_of "$dependency" | head -n 1)"
                wrong DependencyFailed "$dependency is not healthy" "read the lines above"
                return 1
            }
            sleep 1
        done
    done
}

is_ready() { # service
    for container in $(containers_of "$1"); do
        look "$container" && [ "$status" = running ] || continue
        case $health in healthy | none) return 0 ;; esac
    done
    return 1
}

candidate_name() { echo "ci-candidate-$project-$service"; }

remove_candidate() {
    ask inspect --type container "$(candidate_name)" >/dev/null || return 0
    docker_in "$CHANGE_S" rm --force --volumes "$(candidate_name)" >/dev/null 2>&1
}

# The same digest and configuration beside the running container, without its ports.
try_candidate() {
    [ "$candidate" = on ] || return 0
    journal candidate && remove_candidate || return 1
    if ! compose run --detach --no-deps --name "$(candidate_name)" "$service" \
        >"$scratch/compose" 2>&1; then
        quote compose <"$scratch/compose"
        wrong CandidateFailed "it could not be started: $(tail -n 1 "$scratch/compose" | cut -c 1-200)" \
            "read the lines above"
    else
        judge "$(candidate_name)" fresh && prove "$(candidate_name)"
    fi
    verdict=$?
    [ "$verdict" = 0 ] || last_words "$(candidate_name)"
    remove_candidate
    [ "$verdict" = 0 ] && journal candidate-proven
}

# Make the service run the plan in use, and see it proven.
converge() {
    tidy
    before=$(containers_of "$service")
    if ! compose up --detach --no-deps --no-build --pull never "$service" >"$scratch/compose" 2>&1; then
        quote compose <"$scratch/compose"
        wrong ComposeFailed "$(tail -n 1 "$scratch/compose" | cut -c 1-200)" "read the lines above"
        return 1
    fi
    live=$(containers_of "$service")
    case $live in
    '' | *[!0-9a-f]*)
        wrong ProofFailed "not one container of $service: $live" "see who else runs compose there"
        return 1
        ;;
    "$before") judge "$live" ;;
    *) judge "$live" fresh ;;
    esac && prove "$live"
}

# What compose leaves when it is killed between making a container and giving it its name.
tidy() {
    for container in $(containers_of "$service"); do
        look "$container" || continue
        leftover=${name#/}
        leftover=${leftover%%_*}
        [ "$leftover" != "${name#/}" ] && is_hex "$leftover" 12 || continue
        say note "removing ${name#/}, left by an interrupted compose"
        docker_in "$CHANGE_S" rm --force "$container" >/dev/null 2>&1
    done
}

commit() {
    journal proven || return 1
    if ! grep -q " $new " "$home/ledger" 2>/dev/null; then
        line="$(date -u +%Y-%m-%dT%H:%M:%SZ) $new $tag $reference $config $compose"
        { cat "$home/ledger" 2>/dev/null; echo "$line"; } | write_file "$home/ledger" ||
            wrong StateUnwritable "the ledger in $home cannot be written" "free space, then recover" ||
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
