#!/bin/sh
# On a real Slurm of one node, with the scripts of scripts/slurm: job arrays and tasks with their merging, requeue, the
# signal before the time limit, preemption, cancelling. All give the bits of the single run.
. tests/cluster/cluster.inc
. "$root/tests/cluster/slurm.inc"
scripts=$root/scripts/slurm
PATH=$(dirname "$program"):$PATH
export PATH

# A study of about four seconds of CPU time here.
long() { # SECONDS REALISATIONS-EXPONENT: the smallest exponent that takes as long
  size=$2
  while :; do
    write_study long.yaml "2^$size" 1024
    started=$(date +%s%N)
    "$program" run long.yaml -o long.h5 --threads 2 -q --force >out || fail "the long study"
    [ $(($(date +%s%N) - started)) -lt $(($1 * 500000000)) ] && [ "$size" -lt 30 ] || break
    size=$((size + 1))
  done
}

# An array, and its merging behind it.
expect 0 run groups.yaml -o groups-single.h5 -q
job=$(submit --array=1-4 "$scripts/array.sh" groups.yaml groups.h5 -q)
check sbatch --wait --dependency=afterok:"$job" "$scripts/merge.sh" groups.h5 >out
equal groups-single.h5 groups.h5

# Tasks of one job.
expect 0 run rich.yaml -o rich-single.h5 -q
check sbatch --wait --ntasks=3 "$scripts/tasks.sh" rich.yaml rich.h5 -q >out
check [ -e rich.shard-2-of-3.h5 ]
equal rich-single.h5 rich.h5

long 4 18
# again JOB LOG: a requeued job waits two minutes before it is eligible; here it need not, once its first life is over.
again() {
  wait_for "$1" PENDING 60
  sleep 2
  tries=0
  while [ "$(state_of "$1")" = PENDING ] && [ $tries -lt 100 ]; do
    scontrol update JobId="$1" StartTime=now 2>/dev/null
    sleep 0.3
    tries=$((tries + 1))
  done
  wait_for "$1" COMPLETED 120
  says "$2" "stopped early"
}

# Put back by an administrator, who sends TERM.
job=$(submit --array=0 --output=requeue.log "$scripts/array.sh" long.yaml requeue.h5 --snapshot 0.5)
wait_file requeue.h5 30
check scontrol requeue "${job}_0"
again "${job}_0" requeue.log
says requeue.log "stopped early (SIG"
equal long.h5 requeue.h5

# The signal before the time limit: the element puts itself back.
job=$(submit --array=0 --output=limit.log "$scripts/array.sh" long.yaml limit.h5 --snapshot 0.5)
wait_file limit.h5 30
check scancel --batch --signal=USR1 "${job}_0"
again "${job}_0" limit.log
says limit.log "stopped early (SIGUSR1)"
equal long.h5 limit.h5

# Preempted by a job that matters more. Slurm takes a quarter of a minute for it: the program is stopped so long, and Slurm
# continues it before it sends TERM.
job=$(submit --array=0 --cpus-per-task=4 --output=preempt.log "$scripts/array.sh" long.yaml preempt.h5 --snapshot 0.3)
wait_file preempt.h5 30
for process in /proc/[0-9]*; do
  if { tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null | grep -q "^ensgrad run long.yaml -o preempt.h5"; then
    check kill -STOP "${process#/proc/}"
  fi
done
check sbatch --wait --partition=high --cpus-per-task=4 --wrap 'sleep 1' >out
again "${job}_0" preempt.log
equal long.h5 preempt.h5

# Cancelled: the file is good, the job does not come back, and the command goes on.
job=$(submit --output=cancel.log --array=0 "$scripts/array.sh" long.yaml cancel.h5 --snapshot 0.5)
wait_file cancel.h5 30
check scancel "${job}_0"
wait_for "${job}_0" CANCELLED 30
tries=0
until grep -q "stopped early" cancel.log || [ $tries -gt 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
expect 0 verify cancel.h5
says out partial
expect 0 run long.yaml -o cancel.h5 -q
equal long.h5 cancel.h5
report
