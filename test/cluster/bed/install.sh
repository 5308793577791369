#!/usr/bin/env bash
# Installs, as root on Debian 12, what the beds need, and the programs with which other tests try parjob. No package starts a daemon; what is there already is left.
#
#     install.sh
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
[ "$(id -u)" = 0 ] || { echo 'install.sh: must be run as root' >&2; exit 1; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
updated=
# without this file the packages would start their daemons, on all addresses
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
fi
log=$(mktemp)

# group WHAT PACKAGE...
group() {
  local what=$1 missing=() package
  shift
  for package; do installed "$package" || missing+=("$package"); done
  if [ ${#missing[@]} = 0 ]; then
    echo "$what: there"
    return
  fi
  if [ -z "$updated" ]; then
    apt-get -o DPkg::Lock::Timeout=300 update > "$log" 2>&1 || { tail -n 5 "$log" >&2; echo 'install.sh: apt-get update failed' >&2; exit 1; }
    updated=yes
  fi
  apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" > "$log" 2>&1 ||
    { tail -n 5 "$log" >&2; echo "install.sh: apt-get install ${missing[*]} failed" >&2; exit 1; }
  echo "$what: installed ${missing[*]}"
}

group 'namespaces' iproute2 nftables util-linux procps python3-minimal
group 'ssh' openssh-server openssh-client
group 'slurm' slurm-wlm munge
# the packages would make a cell of their own
for package in common client master exec; do
  echo "gridengine-$package shared/gridengineconfig boolean false"
done | debconf-set-selections
group 'grid engine' gridengine-master gridengine-exec gridengine-client
group 'mpi' openmpi-bin
group 'blast' ncbi-blast+
group 'browser' chromium
group 'prometheus' prometheus
group 'fortran' gfortran
rm -f "$log"
# sshd takes an account without password, but not one that is locked
case $(getent shadow root | cut -d: -f2) in
  '!'*) usermod -p '*' root; echo 'ssh: unlocked root, who has no password' ;;
esac
