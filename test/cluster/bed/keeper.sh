#!/usr/bin/env bash
# Takes a bed down when its standard input ends: when the harness closes it, or is gone for whatever reason.
. "$(dirname "$0")/lib.sh"
trap '' INT TERM HUP PIPE
cat > /dev/null
BED_ON=$(cat "$BED_STATE/on" 2>/dev/null || echo loopback)
# first the hosts: with them ends at once all that runs there
if [ "$BED_ON" = net ]; then "$BED_HERE/net.sh" stop; fi
[ ! -d "$BED_STATE/slurm" ] || "$BED_HERE/slurm.sh" stop
[ ! -d "$BED_STATE/ge" ] || "$BED_HERE/grid_engine.sh" stop
for file in "$BED_STATE"/pids/*; do [ -e "$file" ] && end "${file##*/}" 0; done
# those that a job had started elsewhere, then those they started meanwhile
sweep
sweep
rm -rf "$BED_STATE" || { sleep 0.5; sweep; rm -rf "$BED_STATE"; }
