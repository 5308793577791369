#!/usr/bin/env bash
# node1..nodeN on 127.0.0.11 and on, one sshd each, for machines where namespaces cannot be made; no need to be
# root. They share files, processes and network; host names of their own they have where the kernel lets them.
#
#     ssh_loopback.sh N
. "$(dirname "$0")/lib.sh"
D=$BED_STATE/ssh
SSHD=$(command -v sshd)

start() {
  local count=$1 i port address key named=()
  mkdir -p "$D" "$BED_STATE/bin" "$BED_STATE/scratch"
  [ "$(id -u)" != 0 ] || { mkdir -p /run/sshd; chmod 755 /run/sshd; }
  ssh-keygen -q -t ed25519 -N '' -C bed -f "$D/id" && ssh-keygen -q -t ed25519 -N '' -f "$D/hostkey" || die ssh-keygen
  key=$(cut -d' ' -f1,2 "$D/hostkey.pub")
  port=$(free_port)
  for ((i = 1; i <= count; i++)); do
    address=127.0.0.$((10 + i))
    # what the lines are for stands in net.sh
    cat > "$D/sshd.$i.conf" <<C
ListenAddress $address:$port
HostKey $D/hostkey
PidFile none
AuthorizedKeysFile $D/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv SHLVL=1 BED_MARK=$BED_PREFIX
MaxStartups 200:30:400
MaxSessions 200
PrintMotd no
C
    echo "[$address]:$port $key" >> "$D/known_hosts"
    printf 'Host node%s\n  HostName %s\n' "$i" "$address" >> "$D/ssh_config"
    # shellcheck disable=SC2016
    unshare --uts true 2>/dev/null && named=(unshare --uts sh -c 'hostname "$0" && exec "$@"' "node$i")
    spawn "sshd$i" "$D/sshd.$i.log" "${named[@]}" "$SSHD" -D -e -f "$D/sshd.$i.conf"
  done
  cat >> "$D/ssh_config" <<C
Host *
  User $(id -un)
  Port $port
  IdentityFile $D/id
  IdentitiesOnly yes
  UserKnownHostsFile $D/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  LogLevel ERROR
C
  printf '#!/bin/sh\nexec /usr/bin/ssh -F %s "$@"\n' "'$D/ssh_config'" > "$BED_STATE/bin/ssh"
  chmod +x "$BED_STATE/bin/ssh"
  for ((i = 1; i <= count; i++)); do
    await_daemon "sshd$i" 20 "$D/sshd.$i.log" bash -c "</dev/tcp/127.0.0.$((10 + i))/$port"
  done
}
start "${1:?how many nodes}"
