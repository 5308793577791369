#!/usr/bin/env bash
# A Slurm cluster of node1..nodeN, all files in $BED_STATE/slurm; nothing in /etc is read. On the hosts of net.sh
# slurmctld runs on head and a slurmd on each node; on loopback there are as many slurmd on this machine, and the
# nodes differ in SLURMD_NODENAME only. Partitions: debug, short (a minute at most), urgent (its jobs preempt those
# of the others) and closed (its jobs wait for ever).
#
#     slurm.sh start N [CPUS a node]      slurm.sh stop
. "$(dirname "$0")/lib.sh"
D=$BED_STATE/slurm
export SLURM_CONF=$D/slurm.conf

config() {
  local count=$1 cpus=$2 i memory host address port shape
  memory=$(($(awk '/MemTotal/{print int($2/1024)}' /proc/meminfo) / (count + 1)))
  shape="CPUs=$cpus Boards=1 SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN"
  if [ "$BED_ON" = net ]; then host=head address=head port=6817; else
    host=$(hostname -s) address=127.0.0.1 port=$(free_port)
  fi
  # the plugins that need nothing of the machine; config_overrides: nodes may claim more cores than there are
  cat <<C
ClusterName=bed
SlurmctldHost=$host($address)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$D/munge/socket
CredType=cred/munge
SlurmctldPidFile=$D/slurmctld.pid
SlurmdPidFile=$D/slurmd.%n.pid
SlurmctldLogFile=$D/slurmctld.log
SlurmdLogFile=$D/slurmd.%n.log
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
ReturnToService=2
SlurmdParameters=config_overrides
InactiveLimit=0
KillWait=3
MinJobAge=300
SlurmdTimeout=10
SlurmctldTimeout=30
MailProg=/bin/true
C
  for ((i = 1; i <= count; i++)); do
    if [ "$BED_ON" = net ]; then echo "NodeName=node$i Port=6818 $shape"; else
      echo "NodeName=node$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) $shape"
    fi
  done
  cat <<C
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=short Nodes=ALL MaxTime=1 State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
PartitionName=closed Nodes=ALL MaxTime=INFINITE State=DOWN
C
}

idle() { [ "$(inside head sinfo -h -p debug -N -t idle -o %N | sort -u | wc -l)" = "$1" ]; }

start() {
  local count=$1 i
  mkdir -p "$D/state" "$D/munge"
  chmod 755 "$D/munge"
  (umask 077 && head -c 128 /dev/urandom > "$D/munge/key")
  # one for all: its socket lies on the disk that all hosts share. --force: it mistrusts folders below /tmp
  spawn munged "$D/munge/out.log" munged -F --force --key-file="$D/munge/key" --socket="$D/munge/socket" \
    --pid-file="$D/munge/pid" --log-file="$D/munge/log" --seed-file="$D/munge/seed"
  await_daemon munged 20 "$D/munge/out.log" bash -c "munge -n -S '$D/munge/socket' | unmunge -S '$D/munge/socket'"
  config "$@" > "$D/slurm.conf"
  # no plugin for cgroups is used; without the file slurmd guesses one
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' > "$D/cgroup.conf"
  spawn_inside head slurmctld "$D/slurmctld.out" slurmctld -D -f "$SLURM_CONF"
  await_daemon slurmctld 30 "$D/slurmctld.out" inside head bash -c 'timeout 3 scontrol ping | grep -q "is UP"'
  for ((i = 1; i <= count; i++)); do
    mkdir -p "$D/spool.node$i"
    node_daemon "$i"
  done
  await 30 "idle nodes, see $D/*.log" idle "$count"
  tell slurm "SLURM_CONF=$SLURM_CONF"
}
node_daemon() { spawn_inside "node$1" "slurmd$1" "$D/slurmd$1.out" slurmd -D -N "node$1" -f "$SLURM_CONF"; }

stop() {
  local file
  if [ "$BED_ON" = loopback ] && alive slurmctld; then
    timeout -s KILL 10 scancel --user="$(id -un)" >/dev/null 2>&1
  fi
  for file in "$BED_STATE"/pids/slurm* ; do [ -e "$file" ] && end "${file##*/}" 0; done
  end munged 5
}
case ${1:-} in
  start) start "${2:?how many nodes}" "${3:-4}" ;;
  # after 'net.sh boot nodeN'
  boot) node_daemon "${2#node}" ;;
  stop) stop ;;
  *) die "slurm.sh does not know '${1:-}'" ;;
esac
