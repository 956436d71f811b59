# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# A plan is lines of a known key, one space and one word. No value can hold anything that a shell,
# a path or a format could read as more than the word it is.
use_plan() { # id
    plan=$home/plans/$1
    action='' directory='' project='' service='' repository='' digest='' manifest='' config='' tag=''
    compose='' platform='' health_path='' port='' version_path='' version_key='' reference=''
    adopt=no candidate=on window=10 probes=3 timeout=120 hard=900 keep=3 need_kib=0 pull_timeout=300
    dependencies='' published='' also='' front='' ended='' plan_nonce=-
    accept_no_rollback=no allow_no_health=no downgrade=yes
    [ -f "$plan" ] || wrong PlanInvalid "no plan $1" "upload the plan again" || return 1
    while IFS=' ' read -r key value; do
        use_line "$key" "$value" ||
            wrong PlanInvalid "plan $1, key $(printf %s "$key" | tr -dc 'a-z-' | cut -c 1-40)" \
                "deploy with the client that belongs to this script" || return 1
    done <"$plan"
    [ -n "$ended" ] || wrong PlanInvalid "plan $1 is cut short" "upload the plan again" || return 1
    case $action in deploy | rollback) is_complete ;; recover) [ -n "$directory" ] ;; esac ||
        wrong PlanInvalid "plan $1 lacks a key" "deploy with the client that belongs to this script" ||
        return 1
    reference=${reference:-$repository@$digest}
}

use_line() { # key, value
    [ -z "$ended" ] || return 1
    case $1 in end) ended=yes && [ -z "$2" ] && return ;; esac
    case $2 in '' | -* | *[!A-Za-z0-9._:/@-]*) return 1 ;; esac
    case $1 in
    plan) [ "$2" = "$SCHEMA" ] ;;
    nonce) is_hex "$2" 32 && plan_nonce=$2 ;;
    action) case $2 in deploy | rollback | recover) action=$2 ;; *) return 1 ;; esac ;;
    candidate) case $2 in on | off) candidate=$2 ;; *) return 1 ;; esac ;;
    adopt | accept-no-rollback | allow-no-health | downgrade)
        case $2 in yes | no) eval "$(underscored "$1")=\$2" ;; *) return 1 ;; esac
        ;;
    directory) case $2 in /*) directory=$2 ;; *) return 1 ;; esac ;;
    digest | manifest | config) is_digest "$2" && eval "$1=\$2" ;;
    compose) is_hex "$2" 64 && compose=$2 ;;
    reference) is_digest "$2" && reference=$2 ;;
    project | service | tag | version-key | front) is_name "$2" && eval "$(underscored "$1")=\$2" ;;
    repository | platform) eval "$1=\$2" ;;
    health-path | version-path)
        case $2 in /*) eval "$(underscored "$1")=\$2" ;; *) return 1 ;; esac
        ;;
    port | window | probes | timeout | hard | keep | need-kib | pull-timeout)
        is_number "$2" && eval "$(underscored "$1")=\$2"
        ;;
    dependency) is_name "$2" && dependencies="$dependencies $2" ;;
    also) is_name "$2" && also="$also $2" ;;
    published) is_number "$2" && published="$published $2" ;;
    *) return 1 ;;
    esac
}

is_complete() {
    [ -n "$directory" ] && [ -n "$project" ] && [ -n "$service" ] && [ -n "$digest" ] &&
        [ -n "$manifest" ] && [ -n "$config" ] && [ -n "$tag" ] && [ -n "$compose" ] &&
        [ -n "$repository$reference" ] && { [ -z "$health_path" ] || [ -n "$port" ]; }
}

underscored() { echo "$1" | tr - _; }

is_number() { case $1 in *[!0-9]* | ???????????*) return 1 ;; esac; }

is_name() { case $1 in [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) return 1 ;; esac; }

is_hex() { # text, length
    case $1 in *[!0-9a-f]*) return 1 ;; esac
    [ "${#1}" -eq "$2" ]
}

is_digest() { case $1 in sha256:*) is_hex "${1#sha256:}" 64 ;; *) return 1 ;; esac; }
