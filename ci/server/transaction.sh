# shellcheck shell=sh disable=SC2154,SC2034,SC2015

deploy() {
    use_plan "$new" || finish 12 "nothing was changed"
    old=$(last_release) standing='' beside=''
    preflight || finish 8 "nothing was changed"
    adopt_running || finish 12 "nothing was changed"
    journal begun || finish 12 "nothing was changed"
    pull || keep_old "$([ "$code" = DigestMismatch ] && echo 6 || echo 8)"
    start_dependencies && try_candidate ||
        keep_old "$([ "$code" = NoHealthSignal ] && echo 8 || echo 10)"
    journal switching || keep_old 10
    converge || bring_back
    commit || finish 12 "$service runs $reference, proven; the ledger does not say so yet"
    code=
    finish 0
}

# A container that runs though no release is in the ledger gets a plan of its own, so that it can
# be brought back: somebody else started it, or it was adopted and outlived a failed deploy.
adopt_running() {
    [ "$old" = none ] || return 0
    live=$(containers_of "$service" | head -n 1)
    [ -n "$live" ] && look "$live" && [ "$status" = running ] && [ "$health" != unhealthy ] ||
        return 0
    old=adopted-$new
    unlike="digest|manifest|config|tag|version-path|version-key|end"
    [ -n "$front" ] && is_in_front "$live" || unlike="$unlike|front"
    {
        grep -vE "^($unlike)( |\$)" "$plan"
        printf 'digest %s\nmanifest %s\nconfig %s\nreference %s\ntag adopted\nend\n' \
            "$image" "$image" "$image" "$image"
    } | write_file "$home/plans/$old" ||
        wrong StateUnwritable "$home cannot be written" "free space there, then deploy again"
}

# Only one run at a time: the lock is held by this process and by whatever it has started, so it
# ends with the last of them, and each of those has a deadline of its own.
take_lock() {
    tools || return
    # A redirection that fails ends the shell where it is exec's.
    true 2>/dev/null >>"$home/lock" ||
        wrong StateUnwritable "$home/lock cannot be made" "free space there; check its owner" || return
    exec 9>>"$home/lock"
    waited=0
    until flock -n 9; do
        holder='' since='' held=''
        [ ! -f "$home/holder" ] || read -r holder since held <"$home/holder"
        # A killed run's last command may still be at work: that is waited for, a living run not.
        if kill -0 "${holder:-$$}" 2>/dev/null || [ "$waited" -ge "$CHANGE_S" ]; then
            code=Locked
            seen="a deploy is running since ${since:-?}: ${held:-?} (process ${holder:-?})"
            remedy="wait for it: it ends by itself, at the latest by its deadline"
            return 1
        fi
        waited=$((waited + 1))
        sleep 1
    done
    echo "$$ $(date -u +%Y-%m-%dT%H:%M:%SZ) $new $action $tag $digest" >"$home/holder"
}

overdue() {
    code=Overdue seen="the transaction reached its deadline at \"$state\"" remedy=$SETTLE
    finish 11 "not known: the run was stopped at \"$state\""
}

# The detached run: credentials on stdin, one line, then the word end.
run() { # id
    use_plan "$1" && use_nonce "$1" || exit 12
    new=$1
    trap overdue TERM
    trap '' HUP INT
    take_lock || finish "$(exit_of_refusal)" "this run changed nothing"
    read -r auth && read -r last && [ "$last" = end ] ||
        wrong InputCut "the credentials ended early" "deploy again" || finish 12 "nothing was changed"
    case $auth in *[!A-Za-z0-9+/=]*) auth='' ;; esac
    rm -rf "$scratch" && mkdir "$scratch"
    asked_for=$action
    recover
    recovered=$?
    case $recovered$code in 1SchemaNewer | 1StateUnwritable) finish 12 "nothing was changed" ;; esac
    if [ "$asked_for" = recover ]; then
        [ "$recovered" = 0 ] || finish 11 "no release is proven to run"
        after_recovery
    fi
    # What cannot be brought back must not keep a better release out.
    [ "$recovered" = 0 ] || say note "$code: $seen; deploying all the same"
    deploy
}

after_recovery() {
    old=$(last_release)
    if [ "$old" = none ]; then
        say note "no release was ever deployed here"
    elif [ -z "$settled" ]; then
        stands "$old" || { use_plan "$old" && have_image && converge; } || finish 11 "no release is proven to run"
    fi
    code=
    finish 0
}

exit_of_refusal() {
    case $code in Locked) echo 9 ;; ToolMissing | ProbeMissing) echo 8 ;; *) echo 12 ;; esac
}

use_nonce() { # id
    nonce=$plan_nonce
    out=$home/out/$1
    [ "$directory" = "${home%/.ci}" ]
}

# Starts the run so that the end of the caller is not its end.
start() { # id
    use_plan "$1" && use_nonce "$1" && tools || {
        printf '%s\n' "- seen ${code:-PlanInvalid}: ${seen:-another directory}" \
            "- remedy ${remedy:-upload the plan again}" "- end $(exit_of_refusal) ${code:-PlanInvalid}"
        exit "$(exit_of_refusal)"
    }
    : >"$out" || exit 12
    # Taken here: once this ends, the connection lets go of what is still on its way.
    last=''
    read -r auth && read -r last || :
    # Handed on by the shell's own printf, so that no process has it among its arguments; nothing of
    # the caller's is kept open.
    printf '%s\n%s\n' "$auth" "$last" 2>/dev/null |
        setsid timeout -k 10 "$hard" sh "$0" run "${home%/.ci}" "$1" >>"$out" 2>&1 &
    echo "$nonce started $1"
}

SLOW_START_S=15

# Prints the output from an offset in bytes until the run ended, or is found dead.
follow() { # id, offset
    out=$home/out/$1 offset=$2 dead=0 alive=$(moment)
    while :; do
        # Before the size is taken: what comes after it is printed the next time round.
        last=$(tail -n 1 "$out" | grep -cE '^[0-9a-f-]+ end [0-9]+ [A-Za-z]+$')
        size=$(wc -c <"$out") || exit 12
        tail -c "+$((offset + 1))" "$out" | head -c "$((size - offset))"
        offset=$size
        [ "$last" = 0 ] || exit 0
        # A machine under load takes its time to come to the lock; one that had it and is gone,
        # seen twice, has died: its last line is written before it goes.
        held_by "$1"
        case $? in
        0) dead=0 alive=$(moment) ;;
        1) dead=0 ;;
        *) dead=$((dead + 1)) ;;
        esac
        [ "$dead" -lt 3 ] && [ "$(since "$alive")" -lt "$SLOW_START_S" ] || exit 75
        sleep 0.3
    done
}

# For the machine's start: settles what a power cut interrupted, before anybody asks.
boot() {
    printf 'plan %s\nnonce %032d\naction recover\ndirectory %s\nend\n' "$SCHEMA" 0 "${home%/.ci}" \
        | write_file "$home/plans/boot" && : >"$home/out/boot" || exit 12
    exec sh "$0" run "${home%/.ci}" boot <<END

end
END
}

# 0: the run holds the lock; 1: it did not come to it yet; 2: it had it, and its process is gone.
held_by() { # id
    read -r holder since held 2>/dev/null <"$home/holder" || return 1
    [ "${held%% *}" = "$1" ] || return 1
    kill -0 "$holder" 2>/dev/null || return 2
}

# Journal, ledger and containers as they are, for the client to judge.
status() {
    for name in journal ledger holder; do
        [ ! -f "$home/$name" ] || sed "s/^/$name /" "$home/$name"
    done
    docker_in "$ASK_S" ps --all --no-trunc \
        --format 'container {{.ID}} {{.Image}} {{.Names}} {{.State}} {{.Status}}'
}

verb=${1:-} home=${2:-}/.ci
scratch=$home/scratch auth=''
case ${2:-} in /*) ;; *) verb= ;; esac
is_name "${3:--}" || is_number "${3:--}" || [ "$#" -lt 3 ] || verb=
case $verb in
start | run)
    mkdir -p "$home/plans" "$home/compose" "$home/pins" "$home/out" && "$verb" "$3"
    ;;
boot) boot ;;
follow) follow "$3" "${4:-0}" ;;
status) status ;;
facts)
    shift 2
    facts "$@"
    ;;
render) render "$3" "$4" ;;
*)
    echo "usage: start|run|follow DIRECTORY ID, status|boot DIRECTORY," \
        "facts DIRECTORY PROJECT SERVICE PATH [ALSO]..., render DIRECTORY PROJECT IMAGE" >&2
    exit 12
    ;;
esac
