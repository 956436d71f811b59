# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# The step that changes what is served: the service first, then those of the same image.

# Make the services run the plan in use, and see them proven, with what they publish.
converge() {
    unseen=$published
    for switched in $service $also; do
        [ "$switched" = "$service" ] || say progress "switching $switched as well"
        switch_one "$switched" && ports_answer "$live" "$switched" || return 1
    done
    all_published
}

switch_one() { # service
    if [ -n "$front" ] && [ "$1" = "$service" ]; then switch_beside; else switch_service "$1"; fi
}

# The old release again. What only the new one has goes, or comes from the old compose file.
go_back() {
    newcomers='' beside='' way="was never stopped"
    ! use_plan "$new" || newcomers=$also
    is_left_alone && [ -z "$newcomers" ] && stands "$old" && return
    way="was brought back"
    use_plan "$old" || return 1
    for newcomer in $newcomers; do
        case " $service $also " in *" $newcomer "*) continue ;; esac
        if compose_as_written config --services 2>/dev/null | grep -qxF "$newcomer"; then
            also="$also $newcomer"
        else
            for container in $(containers_of "$newcomer"); do
                say note "removing $newcomer: the release before has no such service"
                docker_in "$CHANGE_S" rm --force "$container" >/dev/null 2>&1
            done
        fi
    done
    converge
}

switch_service() { # service
    tidy "$1"
    before=$(containers_of "$1")
    if ! compose up --detach --no-deps --no-build --pull never "$1" >"$scratch/compose" 2>&1; then
        quote compose <"$scratch/compose"
        live=$(containers_of "$1" | head -n 1)
        port_is_stuck || wrong ComposeFailed "$(end_of "$scratch/compose" 1)" "read the lines above"
        return 1
    fi
    live=$(containers_of "$1")
    case $live in
    '' | *[!0-9a-f]*)
        wrong ProofFailed "not one container of $1: $live" "see who else runs compose there"
        return 1
        ;;
    "$before")
        say note "$1 already runs this digest; nothing was replaced"
        judge "$live" "$1"
        ;;
    *) judge "$live" "$1" fresh ;;
    esac && prove "$live" "$1"
}

# Docker writes down that a port is taken before it writes down for whom. After a power cut between
# the two nobody has it, and only Docker's own start gives it back.
port_is_stuck() {
    stuck=$(sed -n 's/.*Bind for .*:\([0-9]*\) failed: port is already allocated.*/\1/p' \
        "$scratch/compose" | head -n 1)
    [ -n "$stuck" ] && [ -z "$(ask ps --quiet --filter "publish=$stuck")" ] || return 1
    wrong PortStuck "Docker keeps port $stuck for a container that is gone" "$RESTART_DOCKER" || :
}
RESTART_DOCKER="restart Docker on the server (sudo systemctl restart docker), then: ./daggerw call recover"

# What compose leaves when it is killed between making a container and giving it its name.
tidy() { # service
    for container in $(containers_of "$1"); do
        look "$container" || continue
        leftover=${name#/}
        leftover=${leftover%%_*}
        [ "$leftover" != "${name#/}" ] && is_hex "$leftover" 12 || continue
        say note "removing ${name#/}, left by an interrupted compose"
        docker_in "$CHANGE_S" rm --force "$container" >/dev/null 2>&1
    done
}
