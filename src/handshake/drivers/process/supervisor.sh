#!/bin/sh
# Runs one program so that it outlives whoever asked for it: output goes to a log, who it is and how it ended to files.
# usage: setsid --fork sh supervisor.sh FOLDER once|again self|named PROGRAM [ARGUMENT...]
#   again: start it again when it ends, unless it was asked to end
#   named: PROGRAM is only a monitor, and names the program itself on descriptor 9 (bubblewrap's --info-fd)
# Standard output closes once the program's pid is on record: who reads to its end knows that it was started.
set -u
folder=$1 again=$2 named=$3
shift 3
cd "$folder" || exit 1

put() { printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"; } # whole or not at all

born() { # prints field 22: with its start time a pid is one process for ever, without it a stranger's tomorrow
    read -r stat <"/proc/$1/stat" || return
    # shellcheck disable=SC2086 # split on purpose, behind the name, which may hold anything
    set -- ${stat##*) }
    echo "${20}"
}

ending='' interrupted='' nap='' pid=''
trap 'ending=yes interrupted=yes; kill -TERM ${nap:-$pid} 2>/dev/null' TERM
put supervisor "$$ $(born $$)"

delay=0
while [ ! "$ending" ] && [ ! -e stop ]; do
    began=$(date +%s)
    if [ "$named" = named ]; then
        rm -f named && mkfifo named
        "$@" 9>named >>log 2>&1 </dev/null &
        child=$! pid=$(sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' <named)
    else
        "$@" >>log 2>&1 </dev/null &
        child=$!
    fi
    : "${pid:=$child}"
    put pid "$pid $(born "$pid")"
    exec >>log 2>&1
    [ ! "$ending" ] || kill -TERM "$pid"

    while wait "$child"; code=$?; [ "$interrupted" ] && kill -0 "$child"; do # a signal ended the waiting, not the program
        interrupted=''
    done
    # bubblewrap's monitor reports a status a moment before the sandbox is gone.
    patience=20
    while [ "$patience" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
        patience=$((patience - 1))
    done
    kill -0 "$pid" 2>/dev/null && exit 0 # only its monitor has ended: how it will end, nobody can see
    pid=''                               # a stranger's from now on
    put exit "$code $(date +%s)"
    [ "$again" = again ] || break

    [ $(($(date +%s) - began)) -gt 10 ] && delay=0
    sleep "$delay" &
    nap=$!
    wait "$nap"
    nap='' delay=$((delay < 8 ? delay * 2 + 1 : delay))
done
