# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# The ports of the machine: free before the deploy, answering after it.

# shellcheck disable=SC2016 # Docker's own
BINDINGS='{{$host := eq .HostConfig.NetworkMode "host"}}{{if $host}}host{{end}}
{{range $inner, $outer := .NetworkSettings.Ports}}{{range $outer}}
{{- $inner}},{{.HostIp}},{{.HostPort}}{{println}}{{end}}{{end}}'

# Each port of the plan that this container publishes answers before it counts as proven.
ports_answer() { # container, service
    bindings=$(ask inspect --format "$BINDINGS" "$1")
    later=
    for number in $unseen; do
        # With both families, the older one: it is there on every machine.
        bound=$(echo "$bindings" | grep ",$number\$" | sort | head -n 1)
        case $bindings in host*) bound=$number/tcp,,$number ;; esac
        if [ -z "$bound" ]; then
            later="$later $number"
        else
            port_answers "$bound" "$2" || wrong PortUnreached \
                "port $number of the server does not answer${http:+, HTTP $http}" \
                "look at the server's firewall and at the ports in the compose file" || return 1
            say progress "port $number answers"
        fi
    done
    unseen=$later
}

all_published() {
    [ -z "$unseen" ] || wrong PortUnreached "no container of this release publishes port$unseen" \
        "let the compose file publish it, or leave it out of the plan"
}

ANSWER_S=15

port_answers() { # inner port, address and outer port; service
    inner=${1%%,*} outer=${1##*,} http=''
    at=${1#*,}
    at=${at%,*}
    case $at in '' | 0.0.0.0) at=127.0.0.1 ;; ::) at='[::1]' ;; *:*) at="[$at]" ;; esac
    asked_since=$(moment)
    until reaches "$at" "$outer" "$2"; do
        [ "$(since "$asked_since")" -lt "$ANSWER_S" ] || return 1
        sleep 0.3
    done
}

reaches() { # address, port, service
    case $inner in
    */udp | */sctp) ;;
    "$port/tcp")
        if [ -n "$health_path" ] && [ "$3" = "$service" ]; then
            fetch "$1:$2" "$health_path"
            [ "$http" = 200 ]
        else
            connects "$1" "$2"
        fi
        ;;
    *) connects "$1" "$2" ;;
    esac
}

# Nothing is sent: what listens there need not speak HTTP.
connects() { # address, port
    if command -v python3 >/dev/null; then
        timeout "$PROBE_S" python3 -I -c "$PYTHON_CONNECT" "$1" "$2" 2>/dev/null
    elif command -v curl >/dev/null; then
        took=$(curl -q -s -m 2 --noproxy '*' -o /dev/null -w '%{time_connect}' "telnet://$1:$2" </dev/null)
        case $took in *[1-9]*) ;; *) return 1 ;; esac
    else
        # Whatever the answer is: only a connection that was refused or never made counts.
        ! timeout "$PROBE_S" wget -q -S -Y off -T 3 -O /dev/null "http://$1:$2/" 2>&1 |
            grep -qiE "can't connect|refused|unreachable|timed out|no route"
    fi
}

PYTHON_CONNECT='
import socket, sys
socket.create_connection((sys.argv[1].strip("[]"), int(sys.argv[2])), 4).close()
'

ports_free() {
    for number in $published; do
        port_is_free "$number" || return 1
    done
}

port_is_free() { # number
    own=
    for container in $(ask ps --all --quiet --no-trunc --filter "publish=$1"); do
        look "$container" || continue
        case $status in running | restarting | paused) ;; *) continue ;; esac
        if is_of_plan "$container"; then own=yes && continue; fi
        wrong PortTaken "port $1 belongs to the container ${name#/}" \
            "stop it, or give the service another port"
        return 1
    done
    [ -n "$own" ] || is_ours_to_be "$1" || ! is_listened_on "$1" ||
        wrong PortTaken "port $1 belongs to a process of the server: $(listener_of "$1")" \
            "stop it (where it is docker-proxy: sudo systemctl restart docker), or give the service another port"
}

# A container of ours that crashes again and again has its port, but not at every look.
is_ours_to_be() { # number
    for planned in $service $also; do
        for container in $(containers_of "$planned"); do
            look "$container" || continue
            case $status in running | restarting | paused) ;; *) continue ;; esac
            ! ask inspect --format "$OWN_PORTS" "$container" | grep -qxF "$1" || return 0
        done
    done
    return 1
}
OWN_PORTS='{{range .HostConfig.PortBindings}}{{range .}}{{println .HostPort}}{{end}}{{end}}'

is_of_plan() { # container
    for planned in $service $also; do
        [ "$(labels_of "$1" project service)" != "$project $planned" ] || return 0
    done
    return 1
}

labels_of() { # container, names after com.docker.compose.
    labels_format=
    labelled=$1
    shift
    for label in "$@"; do
        labels_format="$labels_format{{index .Config.Labels \"com.docker.compose.$label\"}} "
    done
    ask inspect --format "$labels_format" "$labelled" | sed 's/ *$//'
}

# Where the compose file names addresses, only a listener on all of them is surely in the way.
is_listened_on() { # number
    everywhere=no
    ! compose_as_written config 2>/dev/null | grep -q 'host_ip:' || everywhere=yes
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port=":$(printf %04X "$1")" -v everywhere="$everywhere" '
            $4 == "0A" && substr($2, length($2) - 4) == port &&
                (everywhere == "no" || $2 ~ /^0+:/) {found = 1}
            END {exit !found}'
}

listener_of() { # number
    ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:((\([^)]*\)).*/\1/p' | head -n 1 |
        clean | grep . || echo "not ours to see; as root, ss -ltnp shows it"
}
