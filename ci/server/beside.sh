# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# Start first: behind a proxy, the new container comes up beside the old one, on every network but
# the proxy's. Proven, it is shown to the proxy; only when it has served well does the old one end.

# The proxy's network as Docker calls it; one that is none of the project's has its own name.
front_network() {
    own=$(ask network ls --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.network=$front" --format '{{.Name}}' | head -n 1)
    echo "${own:-$front}"
}

# shellcheck disable=SC2016 # Docker's own
NETWORKS='{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}'

is_in_front() { # container
    ask inspect --format "$NETWORKS" "$1" | grep -qxF "$(front_network)"
}

# Whether the proxy can find the container that stands.
is_seen() { # container, service
    [ -z "$front" ] || [ "$2" != "$service" ] || is_in_front "$1" ||
        wrong PortUnreached "$2 is not on the network $front, where the proxy looks" "recover"
}

# Several could not be told apart from what a deploy adds.
stands_alone() {
    [ -n "$front" ] || return 0
    # The newest comes first: the one that was there before all others is left.
    surplus=$(containers_of "$service" | sed '$d')
    [ -n "$surplus" ] || return 0
    # shellcheck disable=SC2086 # one word each
    names=$(ask inspect --format '{{.Name}}' $surplus | tr -d / | tr '\n' ' ')
    wrong ProjectForeign "$service has several containers; a deploy makes one" \
        "leave one: docker rm --force ${names% }"
}

remove() { # containers
    for gone in "$@"; do docker_in "$CHANGE_S" rm --force "$gone" >/dev/null 2>&1; done
}

# Sets $live: a container of the plan, proven, that the proxy does not see. Where the one that is
# there is just that, nothing is made.
start_beside() {
    live='' made=''
    make_beside && prove "$live" "$service" && return
    [ -z "$live" ] || last_words "$live"
    [ -z "$made" ] || remove "$made"
    live=''
    return 1
}

make_beside() {
    tidy "$service"
    present=$(containers_of "$service")
    # shellcheck disable=SC2086 # words are counted
    set -- $present
    compose up --no-start --no-recreate --no-deps --no-build --pull never \
        --scale "$service=$(($# + 1))" "$service" >"$scratch/compose" 2>&1 || beside_failed || return 1
    made=$(containers_of "$service" | grep -vxF "${present:-none}") live=$made
    if [ "$#" = 1 ] && [ "$(made_from "$live")" = "$(made_from "$1")" ] && is_well "$1"; then
        remove "$made"
        made='' live=$1
        say note "$service already runs this digest; nothing was replaced"
        judge "$live" "$service"
    else
        {
            docker_in "$CHANGE_S" network disconnect "$(front_network)" "$live" &&
                docker_in "$CHANGE_S" start "$live"
        } >"$scratch/compose" 2>&1 || beside_failed || return 1
        judge "$live" "$service" fresh
    fi
}

is_well() { # container
    look "$1" && is_in_front "$1" && case $status/$health in running/healthy | running/none) ;; *) false ;; esac
}

# Image and configuration, as compose hashes it.
made_from() { # container
    ask inspect --format '{{.Image}} {{index .Config.Labels "com.docker.compose.config-hash"}}' "$1"
}

beside_failed() {
    quote compose <"$scratch/compose"
    wrong CandidateFailed "it could not be started beside the old one: $(end_of "$scratch/compose" 1)" \
        "read the lines above"
}

# The step before the switch.
try_beside() {
    standing=$(containers_of "$service")
    standing=${standing:-none}
    journal candidate && start_beside && beside=$live && journal candidate-proven
}

# All that stood not there before the run that the journal tells of.
added() { [ -z "$standing" ] || containers_of "$service" | grep -vxF "$standing"; }

# What is served by one goes on to its end, as when the old one goes.
remove_newcomers() {
    for newcomer_id in $(added); do
        ! is_in_front "$newcomer_id" || docker_in "$CHANGE_S" stop "$newcomer_id" >/dev/null 2>&1
        remove "$newcomer_id"
    done
}

# The switch: from what is proven ($beside), or from the beginning.
switch_beside() {
    live=$beside beside=''
    [ -n "$live" ] || start_beside || return 1
    if ! is_in_front "$live"; then
        say progress "the proxy sees ${live%"${live#????????????}"} from now on"
        problem=$(docker_in "$CHANGE_S" network connect --alias "$service" "$(front_network)" "$live" 2>&1) ||
            wrong ComposeFailed "$(echo "$problem" | tail -n 1 | clean)" "read the line above" || return 1
        judge "$live" "$service" || return 1
    fi
    end_others && look_again && prove "$live" "$service"
}

# What is served goes on to its end: the container's own signal and period of grace.
end_others() {
    for ended_one in $(containers_of "$service"); do
        [ "$ended_one" != "$live" ] || continue
        say progress "ending ${ended_one%"${ended_one#????????????}"}"
        docker_in "$CHANGE_S" stop "$ended_one" >/dev/null 2>&1
        remove "$ended_one"
    done
    [ "$(containers_of "$service")" = "$live" ] ||
        wrong ProofFailed "not one container of $service is left" "see who else runs compose there"
}

# It was judged a moment ago; now it serves alone.
look_again() {
    window_s=$window probes_n=$probes window=0 probes=1
    judge "$live" "$service"
    verdict=$?
    window=$window_s probes=$probes_n
    return "$verdict"
}

# An interrupted switch goes on with the container that had proven itself.
go_on_beside() { # id
    [ "$1" != none ] && use_plan "$1" && [ -n "$front" ] || return 1
    for one in $(added); do
        look "$one" && [ "$status" = running ] && is_image_of_plan "$image" || continue
        live=$one
        is_in_front "$live" || { judge "$live" "$service" && prove "$live" "$service"; } || return 1
        beside=$live
        converge
        return
    done
    return 1
}

# The old container, where it still runs: without what came beside it, it may be all that is needed.
is_left_alone() {
    case $standing in '' | none) return 1 ;; esac
    look "$standing" && [ "$status" = running ] || return 1
    remove_newcomers
}
