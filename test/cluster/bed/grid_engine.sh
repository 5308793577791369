#!/usr/bin/env bash
# A cell of (Son of) Grid Engine with an SGE_ROOT of its own, $BED_STATE/ge: a qmaster, an execd on each host, the
# queue all.q, the parallel environment 'bed', and closed.q, whose jobs wait for ever. On the hosts of net.sh the
# qmaster runs on head and the execds on the nodes; on loopback there is one host, this machine.
#
#     grid_engine.sh start [SLOTS a host]      grid_engine.sh stop      grid_engine.sh boot nodeN
. "$(dirname "$0")/lib.sh"
D=$BED_STATE/ge
CELL=$D/default
LIBEXEC=/usr/lib/gridengine
SHARE=/usr/share/gridengine
if [ "$BED_ON" = net ]; then
  MASTER=head NODES=$(hosts | grep node | tr '\n' ' ')
else
  MASTER=$(hostname) NODES=$MASTER
fi
# SGE_ND: stay in the foreground
export SGE_ROOT=$D SGE_CELL=default SGE_ND=1
{ read -r SGE_QMASTER_PORT SGE_EXECD_PORT < "$D/ports"; } 2>/dev/null
export SGE_QMASTER_PORT SGE_EXECD_PORT
q() { inside "$MASTER" timeout -s KILL 20 "$@"; }

cell() {
  local part
  mkdir -p "$CELL/common" "$D/qmaster/job_scripts" "$D/execd" "$D/spool"
  for part in bin lib utilbin util; do ln -s "/var/lib/gridengine/$part" "$D/$part"; done
  cat > "$CELL/common/bootstrap" <<C
admin_user              none
default_domain          none
ignore_fqdn             true
spooling_method         classic
spooling_lib            libspoolc
spooling_params         $CELL/common;$D/spool
binary_path             /usr/sbin
qmaster_spool_dir       $D/qmaster
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
C
  echo "$MASTER" > "$CELL/common/act_qmaster"
  # 127.0.0.1 usually reads back as localhost
  [ "$BED_ON" = net ] || echo "$MASTER localhost" > "$CELL/common/host_aliases"
  # min_uid, min_gid: as they come, root's jobs are refused
  sed -e "s|^execd_spool_dir.*|execd_spool_dir $D/execd|; s|^min_uid.*|min_uid 0|; s|^min_gid.*|min_gid 0|" \
    -e 's|^mailer.*|mailer /bin/true|; s|^load_report_time.*|load_report_time 00:00:05|' \
    -e 's|^max_unheard.*|max_unheard 00:00:20|; s|^gid_range.*|gid_range 50700-50900|' \
    -e 's|^loglevel.*|loglevel log_info|' \
    "$SHARE/default-configuration" > "$D/configuration"
  inside "$MASTER" sh -e > "$D/cell.log" 2>&1 <<C || ended spoolinit "$D/cell.log"
$LIBEXEC/spoolinit classic libspoolc '$CELL/common;$D/spool' init
$LIBEXEC/spooldefaults configuration '$D/configuration'
$LIBEXEC/spooldefaults complexes $SHARE/util/resources/centry
$LIBEXEC/spooldefaults usersets $SHARE/util/resources/usersets
$LIBEXEC/spooldefaults managers root
C
}

queues() {
  local slots=$1 host
  for host in $NODES; do q qconf -ah "$host"; q qconf -as "$host"; done
  q qconf -as "$MASTER"
  printf 'group_name @allhosts\nhostlist %s\n' "$NODES" > "$D/group"
  q qconf -Ahgrp "$D/group"
  cat > "$D/pe" <<'C'
pe_name            bed
slots              999
user_lists         NONE
xuser_lists        NONE
start_proc_args    NONE
stop_proc_args     NONE
allocation_rule    $round_robin
control_slaves     TRUE
job_is_first_task  FALSE
urgency_slots      min
accounting_summary TRUE
qsort_args         NONE
C
  q qconf -Ap "$D/pe"
  # with no name, -sq prints the template
  q qconf -sq | sed -e 's/^qname .*/qname all.q/; s/^hostlist .*/hostlist @allhosts/; s/^pe_list .*/pe_list bed/' \
    -e "s/^slots .*/slots $slots/; s/^shell .*/shell \/bin\/sh/; s/^load_thresholds .*/load_thresholds NONE/" \
    -e 's/^rerun .*/rerun FALSE/' > "$D/queue"
  q qconf -Aq "$D/queue"
  sed -e 's/^qname .*/qname closed.q/; s/^initial_state .*/initial_state disabled/' \
    -e 's/^pe_list .*/pe_list NONE/' "$D/queue" > "$D/closed"
  q qconf -Aq "$D/closed"
  q qmod -d closed.q
  # as it comes, the scheduler looks every 15 s
  q qconf -ssconf | sed -e 's/^schedule_interval .*/schedule_interval 0:0:1/' \
    -e 's/^flush_submit_sec .*/flush_submit_sec 1/; s/^flush_finish_sec .*/flush_finish_sec 1/' \
    -e 's/^job_load_adjustments .*/job_load_adjustments NONE/' \
    -e 's/^load_adjustment_decay_time .*/load_adjustment_decay_time 0:0:0/' > "$D/scheduler"
  q qconf -Msconf "$D/scheduler"
}

execd() { spawn_inside "$1" "execd-$1" "$D/execd-$1.out" /usr/sbin/sge_execd; }
serving() { q qstat -f -q "all.q@$1" | grep -q "all.q@$1.* [0-9.]* *lx-amd64 *\$"; }

start() {
  local host
  mkdir -p "$D"
  if [ "$BED_ON" = net ]; then echo 6444 6445; else echo "$(free_port) $(free_port)"; fi > "$D/ports"
  read -r SGE_QMASTER_PORT SGE_EXECD_PORT < "$D/ports"
  cell
  spawn_inside "$MASTER" qmaster "$D/qmaster.out" /usr/sbin/sge_qmaster
  await_daemon qmaster 30 "$D/qmaster.out" q qconf -sconf
  queues "$1" > "$D/queues.log" 2>&1
  for host in $NODES; do execd "$host"; done
  for host in $NODES; do await_daemon "execd-$host" 40 "$D/execd-$host.out" serving "$host"; done
  tell grid_engine "SGE_ROOT=$D" SGE_CELL=default \
    "SGE_QMASTER_PORT=$SGE_QMASTER_PORT" "SGE_EXECD_PORT=$SGE_EXECD_PORT"
}
# After a power cut the qmaster does not know for a minute that the execd has gone, and lets no other in; and a job
# that is sent to the one that died is lost. So that connection ends now, and we wait until the new one is known.
boot() {
  inside "$MASTER" ss -K dst "10.213.7.$((10 + ${1#node}))" sport = :6444 > /dev/null
  : > "$D/execd-$1.out"
  execd "$1"
  await_daemon "execd-$1" 40 "$D/execd-$1.out" grep -q 'registered at qmaster' "$D/execd-$1.out"
}
stop() {
  local file
  if [ "$BED_ON" = loopback ] && alive qmaster; then q qdel -f -u '*' >/dev/null 2>&1; fi
  # its own way out would take the qmaster 10 s
  for file in "$BED_STATE"/pids/execd-* "$BED_STATE"/pids/qmaster; do [ -e "$file" ] && end "${file##*/}" 0; done
}
case ${1:-} in
  start) start "${2:-4}" ;;
  # after 'net.sh boot nodeN'
  boot) boot "$2" ;;
  stop) stop ;;
  *) die "grid_engine.sh does not know '${1:-}'" ;;
esac
