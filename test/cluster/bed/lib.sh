# What the scripts of a test bed share. It is sourced, not run.
#
# A bed is a folder, $BED_STATE, and a name, $BED_PREFIX, with which all that it makes outside of that folder
# begins. Two beds do not meet: each has its own network namespaces, or ports that were free.
# Every daemon leads a session of its own, is recorded as 'PID START' in $BED_STATE/pids, so that a pid given
# anew is not taken for it, and carries BED_MARK=$BED_PREFIX in its environment, as does what it starts.
set -u
: "${BED_STATE:?the folder of the bed}" "${BED_PREFIX:?the name of the bed}"
BED_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

die() { printf 'bed: %s\n' "$*" >&2; exit 1; }

# tell COMPONENT NAME=VALUE...: what a master needs in its environment to use COMPONENT
tell() { local file=$BED_STATE/env/$1; shift; mkdir -p "$BED_STATE/env"; printf '%s\n' "$@" > "$file"; }

# proc_start PID: when it was started, in ticks since boot. A zombie counts as gone: it may stay one for seconds.
proc_start() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" != Z ] && echo "${20}"
}

record() { # NAME PID
  local start
  mkdir -p "$BED_STATE/pids"
  start=$(proc_start "$2") && echo "$2 $start" > "$BED_STATE/pids/$1"
}
pid_of() { local pid start; { read -r pid start < "$BED_STATE/pids/$1"; } 2>/dev/null && echo "$pid"; }
alive() {
  local pid start
  { read -r pid start < "$BED_STATE/pids/$1"; } 2>/dev/null && [ "$(proc_start "$pid")" = "$start" ]
}
child_of() { tr -d ' ' < "/proc/$1/task/$1/children"; } 2>/dev/null

# ended NAME LOG: dies with the last lines of LOG
ended() { tail -n 5 "$2" >&2; die "$1 has ended, see $2"; }

# spawn NAME LOG COMMAND...: a daemon that stays in the foreground
spawn() {
  local name=$1 log=$2
  shift 2
  BED_MARK=$BED_PREFIX setsid "$@" >>"$log" 2>&1 </dev/null &
  record "$name" $! || ended "$name" "$log"
}

# await SECONDS WHAT COMMAND...: looks ten times a second, each time in a shell of its own: it may die there
await() {
  local tries=$(($1 * 10)) what=$2
  shift 2
  while ! ("$@") >/dev/null 2>&1; do
    [ $((tries -= 1)) -gt 0 ] || die "$what: in vain"
    sleep 0.1
  done
}

# await_daemon NAME SECONDS LOG COMMAND...: the same, but over at once when the daemon ends
await_daemon() {
  local name=$1 tries=$(($2 * 10)) log=$3
  shift 3
  while ! ("$@") >/dev/null 2>&1; do
    alive "$name" || ended "$name" "$log"
    [ $((tries -= 1)) -gt 0 ] || { tail -n 5 "$log" >&2; die "$name is not ready, see $log"; }
    sleep 0.1
  done
}

# end NAME [GRACE]: TERM, and KILL after GRACE tenths of a second
end() {
  local name=$1 tries=${2:-20} pid
  if alive "$name"; then
    pid=$(pid_of "$name")
    [ "$tries" = 0 ] || kill -TERM "$pid" 2>/dev/null
    while alive "$name" && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
    alive "$name" && kill -KILL "$pid" 2>/dev/null
  fi
  rm -f "$BED_STATE/pids/$name"
}

# sweep: kills all that carries this bed's mark
sweep() {
  local file pid
  for file in $(grep -lzxs "BED_MARK=$BED_PREFIX" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    kill -KILL "${pid%/environ}" 2>/dev/null
  done
}

# free_port: nobody listens there, and it is below those that the kernel gives away
free_port() {
  local port
  while :; do
    port=$((12000 + RANDOM % 18000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
  done
}

# Where a component runs: on the hosts of net.sh, or all on this machine.
BED_ON=$(cat "$BED_STATE/on" 2>/dev/null || echo loopback)
hosts() { cat "$BED_STATE/net/hosts" 2>/dev/null; }

# inside HOST COMMAND...: runs it there, in the same directory
inside() {
  local host=$1 init
  shift
  [ "$BED_ON" = net ] || { "$@"; return; }
  init=$(child_of "$(pid_of "host-$host")") && [ -n "$init" ] || die "host $host is down"
  nsenter -t "$init" --net --uts --mount --pid --wd="$PWD" -- "$@"
}

# spawn_inside HOST NAME LOG COMMAND...: a daemon there, which ends when the host crashes
spawn_inside() {
  local host=$1 name=$2 log=$3 init outer tries=100 pid
  shift 3
  [ "$BED_ON" = net ] || { spawn "$name" "$log" "$@"; return; }
  init=$(child_of "$(pid_of "host-$host")") && [ -n "$init" ] || die "host $host is down"
  BED_MARK=$BED_PREFIX setsid nsenter -t "$init" --net --uts --mount --pid --wd="$PWD" -- "$@" >>"$log" 2>&1 </dev/null &
  outer=$!
  # to enter a pid space nsenter forks: the daemon is its child
  while ! { pid=$(child_of "$outer") && [ -n "$pid" ] && record "$name" "$pid"; }; do
    [ $((tries -= 1)) -gt 0 ] || ended "$name" "$log"
    sleep 0.02
  done
}
