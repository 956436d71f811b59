# shellcheck shell=sh disable=SC2154,SC2034,SC2015

# What others wrote is shown without what a terminal, a CI's log or a reader of secrets could take
# from it: no colours, no control characters, no workflow commands, no value of the server's .env.
clean() { # text on stdin
    escape=$(printf '\033') bell=$(printf '\007')
    tr '\t\r' '  ' |
        sed "s,$escape\[[0-9;?]*[ -/]*[@-~],,g; s,$escape\][^$bell]*$bell,,g" |
        tr -d '\000-\010\013-\037\177' | mask |
        sed 's/^\( *\)::/\1: :/; s/##\[/# # [/g' | cut -c 1-400
}

# Values of six characters and more, each as the file has it and without quotes; of an address with
# a password that one too. Shorter ones are words.
mask() { # text on stdin
    if [ -r "${home%/.ci}/.env" ]; then
        awk "$MASK" "${home%/.ci}/.env" -
    else
        cat
    fi
}

# shellcheck disable=SC2016 # awk's own
MASK='
function learn(value, i) {
    if (length(value) < 6 || value in known) return
    known[value] = 1
    for (i = ++count; i > 1 && length(values[i - 1]) < length(value); i--) values[i] = values[i - 1]
    values[i] = value
}
function learn_line(text, plain) {
    sub(/^[ \t]*(export[ \t]+)?[A-Za-z_][A-Za-z0-9_.]*[ \t]*=[ \t]*/, "", text)
    sub(/[ \t]+$/, "", text)
    learn(text)
    plain = text
    sub(/[ \t]+#.*$/, "", plain)
    gsub(/^["\047]|["\047]$/, "", plain)
    learn(plain)
    if (match(plain, /:\/\/[^:\/]*:[^@]+@/)) {
        plain = substr(plain, RSTART + 3, RLENGTH - 4)
        learn(substr(plain, index(plain, ":") + 1))
    }
}
function masked(text, value, done, at) {
    done = ""
    while (at = index(text, value)) {
        done = done substr(text, 1, at - 1) "***"
        text = substr(text, at + length(value))
    }
    return done text
}
FILENAME == ARGV[1] { sub(/\r$/, ""); if ($0 !~ /^[ \t]*#/) learn_line($0); next }
{ for (i = 1; i <= count; i++) $0 = masked($0, values[i]); print }
'
