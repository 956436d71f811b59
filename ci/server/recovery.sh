# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# What a run that died left behind is settled from what Docker shows; the journal only says how far
# it may have come, so which of the two releases to look for first.

# Ends with the journal settled and one release proven, or returns 1 with code and seen set.
recover() {
    remove_credentials
    read_journal || return 1
    [ "$state" != settled ] || return 0
    say note "an earlier run ended at \"$state\""
    this=$new new=$left_new old=$left_old
    use_plan "$([ "$new" = none ] && echo "$old" || echo "$new")" || return 1
    remove_candidate
    settle
    verdict=$?
    [ "$verdict" != 0 ] || { settled=yes && journal settled; } || verdict=1
    new=$this
    return "$verdict"
}

# Sets $state, $left_new and $left_old.
read_journal() {
    state=settled left_new=none left_old=none standing=''
    [ -f "$home/journal" ] || return 0
    schema=$(journal_word journal)
    state=$(journal_word state) standing=$(journal_word standing)
    left_new=$(journal_word new) left_old=$(journal_word old)
    if [ "$schema" = "$SCHEMA" ] && [ -n "$state" ] && [ -n "$left_new" ] && [ -n "$left_old" ]; then
        return 0
    fi
    if is_number "${schema:-x}" && [ "$schema" -gt "$SCHEMA" ]; then
        wrong SchemaNewer "the journal is of a newer version, $schema" "deploy with a newer client"
        return 1
    fi
    kept=$home/journal.corrupt-$(now)
    say note "the journal is damaged; kept as $kept, rebuilt from Docker and the ledger"
    mv "$home/journal" "$kept"
    state=switching left_new=none left_old=$(last_release)
    [ "$left_old" != none ] || state=settled
}

# The release that the ledger names last.
last_release() {
    found=$(tail -n 1 "$home/ledger" 2>/dev/null | cut -d ' ' -f 2)
    echo "${found:-none}"
}

settle() {
    case $state in
    switching) { stands "$new" || go_on_beside "$new"; } && commit && return ;;
    proven)
        { stands "$new" || { [ "$new" != none ] && use_plan "$new" && converge; }; } && commit &&
            return
        ;;
    esac
    case $state in candidate | candidate-proven) remove_newcomers ;; *) is_left_alone ;; esac
    if [ "$old" = none ]; then
        settle_first
    else
        stands "$old" || { use_plan "$old" && have_image && go_back; }
    fi
}

# The first deploy of all was interrupted: there is nothing to go back to.
settle_first() {
    case $state in
    switching | proven | rolling-back)
        [ "$new" != none ] && use_plan "$new" && converge && commit
        ;;
    esac
}

# Whether the service runs this release, healthy and proven, without touching it.
stands() { # id
    [ "$1" != none ] && use_plan "$1" || return 1
    unseen=$published
    for expected in $service $also; do
        live=$(containers_of "$expected")
        case $live in
        '' | *[!0-9a-f]*) wrong ProofLost "not one container of $expected: ${live:-none}" "$SETTLE" ;;
        esac || return 1
        look "$live" && is_image_of_plan "$image" ||
            wrong ProofFailed "$expected has another image, $image" "$SETTLE" || return 1
        judge "$live" "$expected" && prove "$live" "$expected" &&
            ports_answer "$live" "$expected" && is_seen "$live" "$expected" || return 1
    done
    all_published
}

# After a failure past the switch: the old release again, proven, or the truth that it is not.
bring_back() {
    failed_code=$code failed_seen=$seen failed_remedy=$remedy
    [ -z "${live:-}" ] || last_words "$live"
    journal rolling-back || say note "the journal could not be written; going on"
    if [ "$old" = none ]; then
        code=$failed_code
        finish 11 "nothing ran before this first deploy; the failed container is left as it is"
    fi
    say note "bringing back the release before"
    use_plan "$old" && have_image || cannot_go_back
    if go_back; then
        journal settled
        code=$failed_code seen=$failed_seen remedy=$failed_remedy
        finish 10 "the release before, $tag ($reference), $way and is proven"
    fi
    [ -z "${live:-}" ] || last_words "$live"
    seen="$failed_code: $failed_seen; then, bringing back $tag: $code: $seen"
    logs=
    ! look "${live:-none}" || logs="; docker logs --tail 100 ${name#/}"
    [ "$code" = PortStuck ] ||
        remedy="look at the server: docker ps --all$logs; then deploy a good release"
    code=RollbackUnhealthy
    finish 11 "$service is not proven to run any release"
}

cannot_go_back() {
    seen="$failed_code: $failed_seen; then, bringing back $old: $code: $seen"
    remedy="let the server reach ${repository%%/*}, then: ./daggerw call recover; or deploy a good release"
    code=RollbackImpossible
    look "${live:-none}" || status=gone
    finish 11 "the failed container is left as it is ($status), not $reference; nothing is proven to run"
}

# After a failure before the switch: nobody touched the old container, and that is looked at.
keep_old() { # exit code where the old release stands or none is expected
    failed_code=$code failed_seen=$seen failed_remedy=$remedy
    remove_newcomers
    if [ "$old" = none ]; then
        journal settled
        [ "$1" != 10 ] || set -- 11
        finish "$1" "nothing ran before this first deploy, and nothing was started"
    fi
    if stands "$old"; then
        journal settled
        code=$failed_code seen=$failed_seen remedy=$failed_remedy
        finish "$1" "the release before, $tag ($reference), was never stopped and is proven"
    fi
    seen="$failed_code: $failed_seen; and the release before: $code: $seen"
    code=$failed_code remedy=$failed_remedy
    journal settled
    finish 11 "$service was not touched, and is not proven to be well"
}
