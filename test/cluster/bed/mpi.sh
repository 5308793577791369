#!/usr/bin/env bash
# What mpirun (Open MPI) needs to start processes on the nodes: a machine file and words in the environment. There
# is no daemon. On the hosts of net.sh it starts them from head by ssh, on loopback all on this machine.
#
#     mpi.sh start [SLOTS a host]
. "$(dirname "$0")/lib.sh"
D=$BED_STATE/mpi
mkdir -p "$D"
slots=${2:-4}
# root has to say twice that it means it
words=(OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_mapping_policy=node)
if [ "$BED_ON" = net ]; then
  hosts | grep node | sed "s/\$/ slots=$slots/" > "$D/hostfile"
  words+=("OMPI_MCA_plm_rsh_agent=$BED_STATE/bin/ssh" OMPI_MCA_oob_tcp_if_include=eth0)
else
  echo "localhost slots=$slots" > "$D/hostfile"
  # as it comes, its own sockets bind to the machine's outer interface
  words+=(OMPI_MCA_oob_tcp_if_include=lo)
fi
tell mpi "${words[@]}"
