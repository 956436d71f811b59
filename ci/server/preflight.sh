# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# Everything that can be known before anything is changed.
preflight() {
    tools && docker_answers && right_platform && room && rendered && not_foreign && ports_free
}

tools() {
    for tool in timeout setsid flock dd sha256sum awk; do
        command -v "$tool" >/dev/null ||
            wrong ToolMissing "the server has no $tool" "install it (util-linux, coreutils)" || return
    done
    [ -z "$health_path" ] || command -v curl >/dev/null || command -v wget >/dev/null ||
        command -v python3 >/dev/null ||
        wrong ProbeMissing "the server has none of curl, wget and python3" "install one of them"
}

docker_answers() {
    command -v docker >/dev/null ||
        wrong DockerDown "the server has no docker" "install Docker there" || return
    problem=$(docker_in "$ASK_S" version --format '{{.Server.Version}}' 2>&1) ||
        case $problem in
        *"permission denied"*)
            wrong DockerDenied "this user may not use Docker" "add it to the group docker"
            ;;
        *) wrong DockerDown "$(echo "$problem" | tail -n 1)" "systemctl start docker" ;;
        esac || return
    version=$(docker_in "$ASK_S" compose version --short 2>/dev/null) || version=none
    case ${version#v} in
    [2-9].* | [1-9][0-9].*) ;;
    *) wrong ComposeMissing "docker compose: $version" "install the compose plugin, version 2" ;;
    esac
}

right_platform() {
    found=$(ask version --format '{{.Server.Os}}/{{.Server.Arch}}')
    [ -z "$platform" ] || [ "$found" = "$platform" ] ||
        wrong PlatformMissing "the server is $found, the plan is for $platform" "plan again"
}

room() {
    folder=$(ask info --format '{{.DockerRootDir}}')
    # It may be closed to us; the file system it lies on is not.
    until [ -d "$folder" ] || [ -z "$folder" ]; do folder=${folder%/*}; done
    free=$(df -Pk "${folder:-/}" | awk 'NR == 2 {print $4}')
    [ "$free" -ge "$need_kib" ] ||
        wrong DiskFull "$free KiB free on $folder, $need_kib needed" \
            "free space: docker image prune --all shows what it would take"
}

# The compose file as compose reads it there, with that server's .env: warnings are errors.
rendered() {
    sum=$(sha256sum "$home/compose/$compose.yaml" 2>/dev/null)
    [ "${sum%% *}" = "$compose" ] ||
        wrong ComposeInvalid "the compose file is not the one of the plan" "deploy again" || return
    images=$(compose_as_written config --images "$service" 2>"$scratch/compose") || rendering_failed || return
    ! grep -q 'variable is not set' "$scratch/compose" || rendering_failed || return
    echo "$images" | grep -qxF "$reference" ||
        wrong ImageNotControlled "the service $service has another image: $(echo "$images" | head -n 1)" \
            "let the compose file take its image from \${IMAGE}"
}

rendering_failed() {
    text=$(tail -n 3 "$scratch/compose" | tr -s '\n\t ' ' ' | tr -dc '[:print:]' | cut -c 1-400)
    case $text in
    *"env file"*"not found"*) wrong EnvMissing "$text" "make that file on the server" ;;
    *"variable is not set"* | *"required variable"*)
        wrong EnvUnset "$text" "set it in $directory/.env on the server"
        ;;
    *) wrong ComposeInvalid "$text" "correct the compose file" ;;
    esac
}

# A service that somebody else started is taken over only when that is asked for.
not_foreign() {
    [ "$old" = none ] || return 0
    for container in $(containers_of "$service"); do
        look "$container" && [ "$adopt" = yes ] ||
            wrong ProjectForeign "$name runs $asked, which no deploy of ours started" \
                "deploy with --adopt to take it over" || return
    done
}

ports_free() {
    for number in $published; do
        for container in $(ask ps --quiet --no-trunc --filter "publish=$number"); do
            containers_of "$service" | grep -qx "$container" || { look "$container" &&
                wrong PortTaken "port $number belongs to the container $name" \
                    "stop it, or give the service another port"; } || return
        done
    done
}
