# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# Looking, for a client that decides. The client sends the whole script on standard input with the
# verb set in its first line: nothing is uploaded, nothing is changed.

# Everything that a deploy must know of this server; what cannot be told does not hide the rest.
facts() { # project, service, path of the health check or nothing, further services
    project=$1 service=$2 health_path=$3
    shift 3
    for name in journal ledger; do
        [ ! -f "$home/$name" ] || sed "s/^/$name /" "$home/$name"
    done
    if [ -f "$home/holder" ] && read -r holder since held <"$home/holder" &&
        kill -0 "$holder" 2>/dev/null; then
        echo "holder $since $held"
    fi
    for file in "$home"/compose/*.yaml; do
        [ ! -f "$file" ] || echo "kept $(basename "$file" .yaml) $(sum_of "$file")"
    done
    for name in compose.yaml compose.yml docker-compose.yaml docker-compose.yml; do
        file=${home%/.ci}/$name
        [ ! -f "$file" ] || echo "beside $(sum_of "$file") $name"
    done
    if tools && docker_answers; then
        docker_facts "$@"
    else
        printf '%s\n' "seen $code: $seen" "remedy $remedy"
    fi
    echo "facts end"
}

docker_facts() { # further services
    echo "platform $(ask version --format '{{.Server.Os}}/{{.Server.Arch}}')"
    show_service service "$service"
    for other in "$@"; do show_service "also $other" "$other"; done
    tail -n 50 "$home/ledger" 2>/dev/null | cut -d ' ' -f 4 | sort -u | while read -r pulled; do
        ! ask image inspect "$pulled" >/dev/null || echo "image ${pulled#*@}"
    done
    docker_in "$ASK_S" ps --all --filter "label=com.docker.compose.project=$project" \
        --format 'container {{.Names}} {{.State}} {{.Status}}'
}

show_service() { # kind, service
    for container in $(containers_of "$2"); do
        look "$container" &&
            echo "$1 $id $image $status $health $started $asked $(manifest_of "$container")"
    done
}

sum_of() { # file
    sum=$(sha256sum "$1") && echo "${sum%% *}"
}

# The services as compose reads the client's file here, with this server's .env. Only what the
# client judges leaves the server: no environment, no command, no label, where secrets may be.
render() { # project, reference; compose_text prints the compose file
    project=$1 directory=${home%/.ci}
    problem=$(as_rendered "$2" 2>&1 >/dev/null) || rendering_said "$problem" || return 8
    case $problem in *"variable is not set"*) rendering_said "$problem" || return 8 ;; esac
    as_rendered "$2" 2>/dev/null | awk "$ONLY_WHAT_IS_JUDGED"
}

as_rendered() { # reference
    compose_text | IMAGE=$1 timeout "$ASK_S" docker compose --project-name "$project" \
        --project-directory "$directory" --file - config --format json
}

rendering_said() { # text
    rendering_means "$(echo "$1" | tail -n 3 | clean | tr -s '\n ' '  ' | cut -c 1-400)"
    printf '%s\n' "seen $code: $seen" "remedy $remedy"
    return 1
}

# Compose writes one key a line, two spaces a level. A key that nobody asked for becomes null, and
# of a health check or of `deploy` only what is asked about them is told.
# shellcheck disable=SC2016 # awk's own dollars
ONLY_WHAT_IS_JUDGED='
BEGIN {
    split("container_name depends_on devices image mac_address network_mode networks ports scale volumes", keys, " ")
    for (at in keys) wanted["\"" keys[at] "\":"] = 1
}
/^  "services": \{$/ { inside = 1; print "{\"services\": {"; next }
!inside { next }
/^  \}/ { print "}}"; exit }
/^    [^ ]/ { print; next }
/^      "/ {
    key = $1; whole = (key in wanted); told = "null"
    if (whole) print
    else if ($0 !~ /[{[]$/) print "      " key " null" comma()
    next
}
/^      []}]/ { if (whole) print; else print "      " key " " told comma(); next }
whole { print; next }
key == "\"healthcheck\":" && (/"disable": true/ || /"NONE"/) { told = "\"disabled\"" }
key == "\"healthcheck\":" && /^        "test": / && told == "null" { told = "\"given\"" }
key == "\"deploy\":" && /^        "replicas": / { told = $2; sub(/,$/, "", told) }
function comma() { return $0 ~ /,$/ ? "," : "" }
'
