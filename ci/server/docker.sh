# shellcheck shell=sh disable=SC2154,SC2034,SC2015

ASK_S=30
CHANGE_S=180

# A hanging daemon must not hold the lock for ever.
docker_in() { # seconds, arguments
    limit=$1
    shift
    timeout "$limit" docker "$@" </dev/null
}

ask() { docker_in "$ASK_S" "$@" 2>/dev/null; }

compose_as_written() { # arguments
    IMAGE=$reference docker_in "$CHANGE_S" compose --project-name "$project" \
        --project-directory "$directory" --file "$home/compose/$compose.yaml" "$@"
}

# With the image pinned to its digest whatever the file says.
compose() { # arguments
    pin=$home/pins/${digest#*:}.yaml
    {
        printf '{"services":{'
        comma=
        for pinned in $service $also; do
            printf '%s"%s":{"image":"%s","pull_policy":"never"}' "$comma" "$pinned" "$reference"
            comma=,
        done
        printf '}}\n'
    } >"$pin" || return 1
    compose_as_written --file "$pin" "$@"
}

containers_of() { # service
    ask ps --all --quiet --no-trunc \
        --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" \
        --filter label=com.docker.compose.oneoff=False
}

# .ID, not .Id: that one is in the raw answer alone, where a field that is absent is an error.
FACTS='{{.ID}} {{.Image}} {{.State.Status}} {{.RestartCount}} {{.State.StartedAt}}
{{- if .State.Health}} {{.State.Health.Status}}{{else}} none{{end}}
{{- print " "}}{{.State.OOMKilled}} {{.State.ExitCode}} {{.Config.Image}} {{.Name}}'

# What Docker says about a container, in variables; fails when there is none.
look() { # container
    facts=$(ask inspect --type container --format "$FACTS" "$1") && [ -n "$facts" ] || return 1
    IFS=' ' read -r id image status restarts started health oom exit_code asked name <<END
$facts
END
}

address_of() { # container
    ask inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$1" |
        grep -m 1 . || echo 127.0.0.1
}

# Docker with a classic store calls an image by its config, with containerd's by index or manifest.
# Each fixes the next, and the client has read all three from the registry.
is_image_of_plan() { # image id
    case $1 in "$config" | "$manifest" | "$digest") ;; *) return 1 ;; esac
}

# Newer Dockers also name the platform's manifest that a container was made from.
manifest_of() { # container
    ask inspect --format '{{json .}}' "$1" |
        sed -n 's/.*"ImageManifestDescriptor":{[^}]*"digest":"\(sha256:[0-9a-f]*\)".*/\1/p'
}

prove() { # container, service
    look "$1" || wrong ProofLost "the container $1 is gone" "see who else runs compose there" ||
        return 1
    [ "$status" = running ] && is_image_of_plan "$image" && is_named_by_plan "$1" ||
        wrong ProofFailed "$2 runs $image ($asked, $status), not $reference" \
            "see who else starts containers there; deploy again" || return 1
    which=
    [ "$2" = "$service" ] || which=" service $2"
    say proof "container $id image $image reference $reference config $config$which"
}

is_named_by_plan() { # container
    # One that was adopted is known by its image alone: somebody else gave it its name.
    case $reference in sha256:*) return 0 ;; esac
    descriptor=$(manifest_of "$1")
    [ "$asked" = "$reference" ] && [ "${descriptor:-$manifest}" = "$manifest" ]
}

# The failed container's last words, before it is removed.
last_words() { # container
    look "$1" || return 0
    say failed "$name $status exit $exit_code restarts $restarts health $health oom $oom"
    docker_in "$ASK_S" logs --tail 40 "$1" 2>&1 | quote log
    ask inspect --format \
        '{{if .State.Health}}{{range .State.Health.Log}}{{println .ExitCode .Output}}{{end}}{{end}}' \
        "$1" | grep . | tail -n 5 | quote health
}
