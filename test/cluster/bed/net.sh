#!/usr/bin/env bash
# A small cluster in network namespaces: 'head' and node1..nodeN, each with its own host name, addresses,
# /etc/hosts, processes, scratch disk and sshd on port 22. They hang on a bridge in a namespace of its own, the
# switch; this machine itself gets no interface, address or route, and nothing that runs on a host can leave it.
#
#     net.sh start N                    net.sh stop
#     net.sh exec HOST COMMAND...
#     net.sh cut HOST | heal HOST       cable out and in: packets vanish, nobody is told
#     net.sh deaf HOST | loss HOST 0    it sends, but nothing reaches it
#     net.sh loss HOST PERCENT          packets are lost at random, both ways; 0 ends it
#     net.sh rate HOST MBIT             bandwidth towards the host; 0 ends it
#     net.sh delay HOST MS [JITTER]     each way; 0 ends it
#     net.sh firewall HOST drop|reject|off [PORT]    nobody can connect to it, but for ssh (or to PORT only)
#     net.sh blackhole HOST NETWORK     what it sends there vanishes; 'off' ends it
#     net.sh second HOST...             a second network with these hosts
#     net.sh freeze HOST | thaw HOST    all its processes stand still and go on
#     net.sh crash HOST | boot HOST     kills all that runs there; the kernel closes their connections
#
# Head has 10.213.7.1 and fd00:213:7::1, nodeN 10.213.7.(10+N) and fd00:213:7::(10+N); the second network is 8.
# In /etc/hosts a name has its IPv4 address, and NAME-v6 the other.
. "$(dirname "$0")/lib.sh"
D=$BED_STATE/net
SWITCH=$BED_PREFIX-switch

last_of() { case $1 in head) echo 1 ;; *) echo $((10 + ${1#node})) ;; esac; }
known() { hosts | grep -qx -- "$1" || die "no host '$1' here, but: $(hosts | tr '\n' ' ')"; }
sw() { ip -n "$SWITCH" "$@"; }
# nsenter and not 'ip netns exec', which would mount a new /sys and so hide the cgroups
in_net() { local host=$1; shift; nsenter --net="/run/netns/$BED_PREFIX-$host" -- "$@"; }

# plug HOST NETWORK: a cable from the host's ethX to the bridge of network 7 or 8; both ends are made inside
# namespaces, so that this machine never sees them
plug() {
  local host=$1 network=$2 eth=eth$(($2 - 7)) last
  last=$(last_of "$host")
  sw link add "p$network-$host" type veth peer name "$eth" netns "$BED_PREFIX-$host" || die "no veth for $host"
  sw link set "p$network-$host" master "br$network" up
  ip -n "$BED_PREFIX-$host" addr add "10.213.$network.$last/24" dev "$eth"
  ip -n "$BED_PREFIX-$host" addr add "fd00:213:$network::$last/64" dev "$eth" nodad
  ip -n "$BED_PREFIX-$host" link set "$eth" up
}

bridge() { # NETWORK
  sw link add "br$1" type bridge || die "no bridge"
  sw link set "br$1" up
}

boot_host() {
  local host=$1
  alive "host-$host" && return
  spawn "host-$host" "$D/$host.log" nsenter --net="/run/netns/$BED_PREFIX-$host" -- \
    unshare --uts --mount --pid --fork --kill-child --mount-proc -- sh -c "
      hostname $host && mount --bind '$D/hosts.$host' /etc/hosts &&
      mount --bind '$D/nsswitch.conf' /etc/nsswitch.conf &&
      mount -t tmpfs -o size=64m bed-scratch '$BED_STATE/scratch' &&
      exec /usr/sbin/sshd -D -e -f '$D/sshd.conf'"
}
listening() { inside "$1" bash -c '</dev/tcp/127.0.0.1/22'; }

start() {
  local count=$1 host key
  echo net > "$BED_STATE/on"; BED_ON=net
  mkdir -p "$D" "$BED_STATE/bin" "$BED_STATE/scratch" /run/sshd
  chmod 755 /run/sshd
  ssh-keygen -q -t ed25519 -N '' -C bed -f "$D/id" && ssh-keygen -q -t ed25519 -N '' -f "$D/hostkey" || die ssh-keygen
  echo head > "$D/hosts"
  for ((i = 1; i <= count; i++)); do echo "node$i" >> "$D/hosts"; done
  # StrictModes: keys below /tmp; SHLVL: bash reads ~/.bashrc in an ssh command if it takes itself for the first
  # shell; MaxStartups: as it comes, sshd turns some away when many connect at once
  cat > "$D/sshd.conf" <<C
Port 22
HostKey $D/hostkey
PidFile none
AuthorizedKeysFile $D/id.pub
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv SHLVL=1 BED_MARK=$BED_PREFIX
MaxStartups 200:30:400
MaxSessions 200
PrintMotd no
C
  # names come from /etc/hosts and nowhere else: a name that is not there is not found, at once
  printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' > "$D/nsswitch.conf"
  key=$(cut -d' ' -f1,2 "$D/hostkey.pub")
  {
    printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n'
    for host in $(hosts); do
      printf '%s %s\n' "10.213.7.$(last_of "$host")" "$host" "fd00:213:7::$(last_of "$host")" "$host-v6"
    done
  } > "$D/hosts.all"
  for host in $(hosts); do
    # rewritten in place, never renamed: the mount holds on to the file
    cat "$D/hosts.all" > "$D/hosts.$host"
    printf 'Host %s\n  HostName 10.213.7.%s\nHost %s-v6\n  HostName fd00:213:7::%s\n' \
      "$host" "$(last_of "$host")" "$host" "$(last_of "$host")" >> "$D/ssh_config"
    echo "10.213.7.$(last_of "$host"),fd00:213:7::$(last_of "$host") $key" >> "$D/known_hosts"
  done
  cat >> "$D/ssh_config" <<C
Host *
  User root
  IdentityFile $D/id
  IdentitiesOnly yes
  UserKnownHostsFile $D/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 3
  LogLevel ERROR
C
  printf '#!/bin/sh\nexec /usr/bin/ssh -F %s "$@"\n' "'$D/ssh_config'" > "$BED_STATE/bin/ssh"
  chmod +x "$BED_STATE/bin/ssh"
  ip netns add "$SWITCH" || die "no network namespace"
  sw link set lo up
  bridge 7
  for host in $(hosts); do
    ip netns add "$BED_PREFIX-$host" || die "no network namespace for $host"
    ip -n "$BED_PREFIX-$host" link set lo up
    plug "$host" 7
    boot_host "$host"
  done
  for host in $(hosts); do await_daemon "host-$host" 20 "$D/$host.log" listening "$host"; done
}

stop() {
  local file host
  # unshare ignores TERM while it waits; with it dies all that runs on the host
  for file in "$BED_STATE"/pids/wire-* "$BED_STATE"/pids/host-*; do [ -e "$file" ] && end "${file##*/}" 0; done
  for host in $(hosts); do
    ip netns del "$BED_PREFIX-$host" 2>/dev/null
    no_cgroup "$host"
  done
  ip netns del "$SWITCH" 2>/dev/null
}

# rules HOST TABLE [TEXT]: the only rules of that table, or none
rules() {
  in_net "$1" nft delete table inet "$2" 2>/dev/null
  [ $# = 2 ] || in_net "$1" nft "table inet $2 { $3 }" || die "nft refuses: $3"
}

deaf() { rules "$1" bed_loss 'chain i { type filter hook input priority 0; iif lo accept; drop; };'; }
loss() {
  local below
  [ "$2" = 0 ] && { rules "$1" bed_loss; return; }
  below=$(awk "BEGIN { print int($2 * 100) }")
  rules "$1" bed_loss "
    chain i { type filter hook input priority 0; iif lo accept; numgen random mod 10000 < $below drop; };
    chain o { type filter hook output priority 0; oif lo accept; numgen random mod 10000 < $below drop; };"
}
rate() {
  in_net switch tc qdisc del dev "p7-$1" root 2>/dev/null
  [ "$2" = 0 ] || in_net switch tc qdisc add dev "p7-$1" root tbf rate "$2mbit" burst 32kb latency 200ms || die tc
}
# The cable is led through wire.py: netem, which would do, is not in every kernel.
delay() {
  local host=$1
  end "wire-$host" 5
  sw link del "q-$host" 2>/dev/null
  [ "$2" != 0 ] || { sw link set "p7-$host" master br7; return; }
  sw link set "p7-$host" nomaster
  sw link add "q-$host" type veth peer name "r-$host" || die "no veth for the wire of $host"
  sw link set "q-$host" up
  sw link set "r-$host" master br7 up
  : > "$D/wire-$host.log"
  spawn "wire-$host" "$D/wire-$host.log" nsenter --net="/run/netns/$SWITCH" -- \
    /usr/bin/python3 "$BED_HERE/wire.py" "p7-$host" "q-$host" "$2" "${3:-0}"
  await_daemon "wire-$host" 10 "$D/wire-$host.log" grep -q ready "$D/wire-$host.log"
}
firewall() {
  local verdict=$2 port=${3:-22}
  [ "$verdict" != off ] || { rules "$1" bed_wall; return; }
  [ "$verdict" = drop ] || verdict='reject with tcp reset'
  rules "$1" bed_wall "chain i { type filter hook input priority 0; iif lo accept;
    tcp dport $port accept; tcp flags & (syn|ack) == syn $verdict; };"
}
blackhole() {
  [ "$2" != off ] || { rules "$1" bed_hole; ip -n "$BED_PREFIX-$1" route flush table main proto static; return; }
  # without a route it would fail at once
  ip -n "$BED_PREFIX-$1" route replace "$2" dev eth0 proto static
  rules "$1" bed_hole "chain o { type filter hook output priority 0; ip daddr $2 drop; };"
}
second() {
  local host
  [ -n "$(sw link show br8 2>/dev/null)" ] || bridge 8
  for host; do known "$host"; plug "$host" 8; done
}

cgroup_root() {
  local root
  for root in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    [ -e "$root/cgroup.controllers" ] && { echo "$root"; return; }
  done
  die "no cgroup2 file system is mounted, so no host can be frozen"
}
freeze() {
  local group pid
  group=$(cgroup_root)/$BED_PREFIX-$1 && mkdir -p "$group" || die "no cgroup can be made"
  for pid in $(pgrep --ns "$(child_of "$(pid_of "host-$1")")" --nslist pid); do
    echo "$pid" > "$group/cgroup.procs"
  done 2>/dev/null
  echo 1 > "$group/cgroup.freeze"
  await 10 "freezing $1" grep -qx 'frozen 1' "$group/cgroup.events"
}
thaw() { echo 0 > "$(cgroup_root)/$BED_PREFIX-$1/cgroup.freeze"; }
no_cgroup() {
  local group
  group=$(cgroup_root 2>/dev/null)/$BED_PREFIX-$1
  [ -d "$group" ] && await 5 "the cgroup of $1" rmdir "$group"
}
crash() { end "host-$1" 0; }
boot() { boot_host "$1"; await_daemon "host-$1" 20 "$D/$1.log" listening "$1"; }

what=${1:-}
shift
case $what in
  start | stop | second) "$what" "$@" ;;
  exec) known "$1"; inside "$@" ;;
  cut) known "$1"; sw link set "p7-$1" down ;;
  heal) known "$1"; sw link set "p7-$1" up ;;
  deaf | loss | rate | delay | firewall | blackhole | freeze | thaw | crash | boot) known "$1"; "$what" "$@" ;;
  *) die "net.sh does not know '$what'" ;;
esac
