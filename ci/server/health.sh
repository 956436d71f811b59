# shellcheck shell=sh disable=SC2154,SC2034,SC2015

PROBE_S=5
# An interrupted run's compose may still be about to start what it made.
UNSTARTED_S=15
BODY_BYTES=65536

# Ask for a path; the status in $http (000 when there was no answer), the body in a file.
# Redirects are not followed: another place's answer proves nothing.
fetch() { # address:port, path
    url=http://$1$2
    : >"$scratch/head"
    if command -v curl >/dev/null; then
        curl -q -s -m "$PROBE_S" --noproxy '*' -D "$scratch/head" "$url" 2>/dev/null
    elif command -v wget >/dev/null; then
        # Not every wget knows --max-redirect; its log tells of each answer, the first one counts.
        timeout "$PROBE_S" wget -q -S -Y off -T "$PROBE_S" -O - "$url" 2>"$scratch/head"
    else
        timeout "$PROBE_S" python3 -I -c "$PYTHON_FETCH" "$url" "$scratch/head" 2>/dev/null
    fi | head -c "$BODY_BYTES" >"$scratch/body"
    http=$(sed -n 's/^ *HTTP[^ ]* \([0-9][0-9][0-9]\).*/\1/p' "$scratch/head" | head -n 1)
    http=${http:-000}
}

PYTHON_FETCH='
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
connection.request("GET", url.path)
answer = connection.getresponse()
open(sys.argv[2], "w").write(f"HTTP/1.1 {answer.status}\n")
sys.stdout.buffer.write(answer.read(65536))
'

# Watch a container until it has proven itself, or shown that it will not.
judge() { # container, service, "fresh" when it was made just now
    watched=$1 good=0 good_since=0 disagreed_since=0 told=0
    began=$(now) begun=$(moment)
    ask_path=$health_path ask_version=$version_path
    # The plan's paths are the service's own; another service of its image has none.
    [ "$2" = "$service" ] || ask_path='' ask_version=''
    look "$watched" || wrong ProofLost "the container is gone" "deploy again" || return 1
    has_signal "$2" || return 1
    first_id=$id first_started=$started first_restarts=$restarts
    [ "${3:-}" != fresh ] || first_restarts=0
    address=$(address_of "$watched")
    while :; do
        look "$watched" || wrong ProofLost "the container is gone" "deploy again" || return 1
        passed=$(since "$begun")
        still_whole || return 1
        if sample; then
            [ "$good" -gt 0 ] || good_since=$(moment)
            good=$((good + 1))
            [ "$good" -lt "$probes" ] || [ "$(since "$good_since")" -lt "$window" ] || return 0
        else
            good=0
            not_hopeless || return 1
        fi
        if [ $((passed / 5)) -gt "$told" ]; then
            told=$((passed / 5))
            say progress "$passed s: $status, Docker says $health, HTTP $http"
        fi
        sleep 0.3
    done
}

# Running is no sign of health, unless the plan says that it is to be one.
has_signal() { # service
    [ "$health" = none ] && [ -z "$ask_path" ] && [ "$1" = "$service" ] || return 0
    [ "$allow_no_health" = yes ] ||
        wrong NoHealthSignal "$1 has no health check, and the plan no path to ask" \
            "give the image a HEALTHCHECK or the plan a health path"
}

# Compared exactly: "unhealthy" holds the word "healthy".
sample() {
    http=- version=right
    [ -z "$ask_path" ] || fetch "$address:$port" "$ask_path"
    case $http in 200 | -) ;; *) return 1 ;; esac
    [ "$status" = running ] || return 1
    case $health in healthy | none) ;; *) return 1 ;; esac
    [ -n "$ask_version" ] || return 0
    fetch "$address:$port" "$ask_version"
    tr -d ' \t\r\n' <"$scratch/body" | grep -qF "\"$version_key\":\"$tag\"" || version=wrong
    [ "$http$version" = 200right ]
}

# The same run of the same container, from the first look to the last.
still_whole() {
    advice="read the lines above; the image is at fault, not the server"
    [ "$id" = "$first_id" ] || wrong ProofLost "another container took its name" \
        "see who else runs compose there" || return 1
    case $oom$status in
    falserunning | falsecreated) [ "$started $restarts" = "$first_started $first_restarts" ] ;;
    *removing | *dead)
        wrong ProofLost "somebody removes the container" "see who else runs compose there"
        return 1
        ;;
    *) false ;;
    esac && return
    # A container that was started again has forgotten why it ended; Docker's events have not.
    if [ "$oom" = true ] || ask events --since "$began" --until "$(now)" \
        --filter "container=$id" --filter event=oom --format '{{.Action}}' | grep -q .; then
        wrong OOMKilled "the container ran out of memory" "$advice"
    else
        wrong CrashLoop "it is $status, exit $exit_code, restarted $restarts times" "$advice"
    fi
}

# Called after a sample that was not good.
not_hopeless() {
    advice="read the lines above; deploy a corrected release"
    if [ "$health" = unhealthy ] && [ "$http" = 200 ]; then
        wrong HealthDisagree "Docker says unhealthy, HTTP 200" "$advice"
    elif [ "$health" = unhealthy ]; then
        wrong Unhealthy "Docker says unhealthy, HTTP $http" "$advice"
    elif [ "$version" = wrong ] && [ "$http" = 200 ]; then
        wrong WrongVersion "$version_path does not name $tag" "build the image with its own tag"
    elif [ "$status" = created ] && [ "$passed" -ge "$UNSTARTED_S" ]; then
        wrong HealthTimeout "nobody started the container in $passed s" "$advice"
    elif [ "$passed" -ge "$timeout" ]; then
        wrong HealthTimeout "not healthy after $passed s: Docker says $health, HTTP $http" "$advice"
    elif [ "$health" = healthy ]; then
        [ "$disagreed_since" -gt 0 ] || disagreed_since=$(moment)
        # One Docker check may be older than the trouble that HTTP shows.
        [ "$(since "$disagreed_since")" -lt $((window + PROBE_S)) ] ||
            wrong HealthDisagree "Docker says healthy, HTTP $http" "$advice"
    else
        disagreed_since=0
    fi
}
