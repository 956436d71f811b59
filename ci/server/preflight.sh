# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# Everything that can be known before anything is changed.
preflight() {
    tools && not_older && docker_answers && right_platform && reachable && room && rendered &&
        not_foreign && stands_alone && ports_free || return 1
    # Looked at now, so that they are seen for a while before they are needed.
    for dependency in $dependencies; do is_ready "$dependency" || :; done
}

# Tags of one length are as old as they say.
not_older() {
    [ "$downgrade" = no ] && [ "$asked_for" = deploy ] && [ -f "$home/ledger" ] || return 0
    last_tag=$(tail -n 1 "$home/ledger" | cut -d ' ' -f 3)
    [ "${#last_tag}" = "${#tag}" ] || return 0
    newest=$(printf '%s\n%s\n' "$last_tag" "$tag" | sort | tail -n 1)
    [ "$newest" = "$tag" ] ||
        wrong WouldDowngrade "the server runs $last_tag, which is newer than $tag" \
            "to go back on purpose, call rollback"
}

tools() {
    for tool in timeout setsid flock dd sha256sum awk; do
        command -v "$tool" >/dev/null ||
            wrong ToolMissing "the server has no $tool" "install it (util-linux, coreutils)" || return
    done
    [ -z "$health_path${published:-}" ] || command -v curl >/dev/null || command -v wget >/dev/null ||
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
        *) wrong DockerDown "$(echo "$problem" | tail -n 1)" "start it: sudo systemctl start docker" ;;
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

# A rootless Docker's containers have their addresses in a network that this user is not in.
reachable() {
    facts=$(ask info --format '{{.SecurityOptions}} cgroup v{{.CgroupVersion}}')
    say note "Docker $problem, compose ${version#v}, $found, ${facts##*] }, clock $(now)"
    case $facts in
    *name=rootless*)
        [ -z "$health_path" ] ||
            wrong ProbeMissing "Docker is rootless there: no container's address can be asked" \
                "leave out the health path: Docker's own health check judges alone"
        ;;
    esac
}

NEED_INODES=2000

room() {
    folder=$(ask info --format '{{.DockerRootDir}}')
    # It may be closed to us; the file system it lies on is not.
    until [ -d "$folder" ] || [ -z "$folder" ]; do folder=${folder%/*}; done
    free=$(df -Pk "${folder:-/}" | awk 'NR == 2 {print $4}')
    [ "$free" -ge "$need_kib" ] ||
        wrong DiskFull "$free KiB free on $folder, $need_kib needed" \
            "free space: docker image prune --all" || return
    # Some file systems count none.
    inodes=$(df -Pi "${folder:-/}" 2>/dev/null | awk 'NR == 2 && $2 + 0 > 0 {print $4}')
    [ "${inodes:-$NEED_INODES}" -ge "$NEED_INODES" ] ||
        wrong DiskFull "$inodes inodes free on $folder, $NEED_INODES needed" \
            "free some: docker image prune --all"
}

# The compose file as compose reads it there, with that server's .env: warnings are errors.
rendered() {
    sum=$(sha256sum "$home/compose/$compose.yaml" 2>/dev/null)
    [ "${sum%% *}" = "$compose" ] ||
        wrong ComposeInvalid "the compose file is not the one of the plan" "deploy again" || return
    for imaged in $service $also; do
        images=$(compose_as_written config --images "$imaged" 2>"$scratch/compose") ||
            rendering_failed || return
        ! grep -q 'variable is not set' "$scratch/compose" || rendering_failed || return
        # With what it depends on: its own image is one of them.
        echo "$images" | grep -qxF "$reference" ||
            wrong ImageNotControlled "$imaged has another image: $(echo "$images" | head -n 1)" \
                "let the compose file take its image from \${IMAGE}" || return
    done
}

rendering_failed() {
    rendering_means "$(end_of "$scratch/compose" 3)"
}

rendering_means() { # what compose said
    text=$1
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
    [ "$adopt" = no ] || return 0
    for started_service in $service $also; do
        for container in $(containers_of "$started_service"); do
            look "$container" && ! is_ours "$container" || continue
            wrong ProjectForeign "${name#/} runs $asked, which no deploy of ours started" \
                "deploy with --adopt to take it over" || return
        done
    done
}

# Started from this directory, by whatever path, with a compose file that was uploaded here.
is_ours() { # container
    labels=$(labels_of "$1" project.config_files project.working_dir)
    first_file=${labels%% *}
    first_file=${first_file%%,*}
    is_same_folder "${labels#* }" "$directory" && is_same_folder "${first_file%/*}" "$home/compose"
}

is_same_folder() { # one, other
    [ -n "$1" ] && [ "$(cd -P "$1" 2>/dev/null && pwd)" = "$(cd -P "$2" && pwd)" ]
}
