#!/bin/sh
# The deploy's transaction, as it runs on a server: POSIX sh, one file made of the parts that the
# file PARTS names. README.md describes the plan, the journal and the output.
# shellcheck shell=sh disable=SC2154,SC2015 # parts use what others set; "|| return" is meant for both
set -u
LC_ALL=C
export LC_ALL
umask 077
unset COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_ENV_FILES IMAGE

SCHEMA=1
home=
out=
nonce=-
new=none
old=none
state=none
# What ran before a new container came up beside it (beside.sh); nothing where none does.
standing=''
beside=''
settled=''
code='' seen='' remedy=''
SETTLE="settle it: ./daggerw call recover"

now() { date +%s; }

# Hundredths of a second since the machine's start: a clock that is set meanwhile shortens no wait.
moment() {
    if read -r uptime _ 2>/dev/null </proc/uptime; then
        echo "${uptime%.*}${uptime#*.}"
    else
        echo "$(now)00"
    fi
}

since() { # moment; whole seconds from then to now
    echo $((($(moment) - $1) / 100))
}

# Lines of the output carry the run's nonce: no container's log can pass for one of them.
say() { # kind, text
    kind=$1
    shift
    printf '%s %s %s\n' "$nonce" "$kind" "$*" >>"$out"
}

quote() { # kind; text on stdin
    tail -n 40 | clean | while IFS= read -r line; do say "$1" "$line"; done
}

# The end of what a tool said, as one line.
end_of() { # file, how many lines
    tail -n "$2" "$1" | clean | tr -s '\n ' '  ' | cut -c 1-400
}

wrong() { # code, what was seen, what to do
    code=$1 seen=$2 remedy=$3
    return 1
}

# A file is replaced whole or not at all, whenever the power goes.
write_file() { # path; content on stdin
    dd of="$1.tmp" conv=fsync 2>/dev/null && mv -f "$1.tmp" "$1" || return 1
    sync "$home" 2>/dev/null || sync
}

journal() { # state
    state=$1
    [ "$state" != settled ] || standing=''
    printf 'journal %s\nstate %s\nnew %s\nold %s\n%s' "$SCHEMA" "$state" "$new" "$old" \
        "${standing:+standing $standing
}" | write_file "$home/journal" ||
        wrong StateUnwritable "the journal in $home cannot be written" \
            "free space there (df $home), then deploy again" || return 1
    say state "$state"
}

# The word after a key in the journal; nothing when there is none.
journal_word() { # key
    [ ! -f "$home/journal" ] || sed -n "s/^$1 \([A-Za-z0-9._-]*\)\$/\1/p" "$home/journal" | head -n 1
}

# The last line of every run, and the only way out once it has begun.
finish() { # exit code, what is true now
    remove_credentials
    if [ "$1" != 0 ]; then
        say seen "$code: $seen"
        say now "$2"
        say remedy "$remedy"
    fi
    say end "$1 ${code:-Done}"
    exit "$1"
}
