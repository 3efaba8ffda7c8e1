#!/bin/sh
# On a real Slurm of one node, with the scripts of scripts/slurm: job arrays and tasks with their merging, requeue, the
# signal before the time limit, preemption, cancelling; rounds of studies that end by their errors. All give the bits of the single run.
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

# A study that ends by its errors, in rounds: of one job ..
cat >until.yaml <<'END'
seed: 41
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 1}
steps: 50
learning_rate: 1/8
dynamics: {name: sgd, batch_size: 1}
realisations: 2^18
observe: {at: {linear: 2}, features: [x, norm2]}
until: {feature: norm2, relative: 0.1}
END
expect 0 run until.yaml -o until-single.h5 -q --set until.relative=0.015
expect 0 info until-single.h5
says out "sgd: 16384 realisations" # 4096, 8192, 16384: three rounds
check sbatch --wait --ntasks=3 "$scripts/tasks.sh" until.yaml until.h5 -q --set until.relative=0.015 >out
check [ -e until.round-3.shard-2-of-3.h5 ]
check [ ! -e until.round-4.shard-0-of-3.h5 ]
equal until-single.h5 until.h5
# .. that begins again where it was stopped: in the second round, with shards of an earlier and a later one lying there
rm until.h5 until.round-2.shard-1-of-3.h5
check sbatch --wait --ntasks=3 "$scripts/tasks.sh" until.yaml until.h5 -q --set until.relative=0.015 >out
equal until-single.h5 until.h5
# .. and of arrays, each submitted by the merging of the one before
job=$(submit --array=0-2 "$scripts/array.sh" until.yaml "un til.h5" -q --set until.relative=0.015)
check sbatch --wait --dependency=afterok:"$job" "$scripts/merge.sh" "un til.h5" 3 --time=10 -- -q >out
wait_file "un til.h5"
check [ -e "un til.round-3.shard-2-of-3.h5" ]
equal until-single.h5 "un til.h5"

long 4 18
# was_stopped: wait until the element $job has left the machine; 1 if the run was done before it was stopped, on a fast machine or a busy one.
was_stopped() {
  tries=0
  until case $(state_of "${job}_0") in PENDING | COMPLETED | CANCELLED) grep -qE 'stopped early|h5: complete' "$name.log" ;; *) false ;; esac ||
    [ $tries -ge 3000 ]; do
    sleep 0.2
    tries=$((tries + 1))
  done
  grep -q "stopped early" "$name.log"
}

# more_work NAME OPTION...: the element again, with a study twice as long.
more_work() {
  scancel "${job}_0" >out 2>&1
  long 0 $((size + 1))
  started "$@"
}

# started NAME OPTION...: an array element that makes NAME.h5 of the long study, and has written a snapshot.
started() {
  name=$1
  shift
  rm -f "$name".*
  job=$(submit --array=0 --output="$name.log" "$@" "$scripts/array.sh" long.yaml "$name.h5" --snapshot 0.3)
  wait_file "$name.h5"
}

# put_back NAME HOW OPTION...: an element that the function HOW stops and that Slurm puts back has the bits of the straight run. A requeued
# job waits two minutes before it is eligible; here it need not, once its first life is over.
put_back() {
  name=$1
  how=$2
  shift 2
  started "$name" "$@"
  "$how"
  until was_stopped || [ "$size" -ge 30 ]; do
    more_work "$name" "$@"
    "$how"
  done
  wait_for "${job}_0" PENDING
  sleep 2
  tries=0
  while [ "$(state_of "${job}_0")" = PENDING ] && [ $tries -lt 2000 ]; do
    scontrol update JobId="${job}_0" StartTime=now 2>/dev/null
    sleep 0.3
    tries=$((tries + 1))
  done
  wait_for "${job}_0" COMPLETED
  says "$name.log" "stopped early"
  equal long.h5 "$name.h5"
}

# Put back by an administrator, who sends TERM.
by_administrator() {
  scontrol requeue "${job}_0" >out 2>&1
}
put_back requeue by_administrator
says requeue.log "stopped early (SIG"

# The signal before the time limit: the element puts itself back.
by_limit() {
  scancel --batch --signal=USR1 "${job}_0" >out 2>&1
}
put_back limit by_limit
says limit.log "stopped early (SIGUSR1)"

# Preempted by a job that matters more. Slurm takes a quarter of a minute for it: the program is stopped so long, and Slurm
# continues it before it sends TERM.
by_preemption() {
  for process in /proc/[0-9]*; do
    if { tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null | grep -q "^ensgrad run long.yaml -o preempt.h5"; then
      kill -STOP "${process#/proc/}" 2>/dev/null
    fi
  done
  check sbatch --wait --partition=high --cpus-per-task=4 --wrap 'sleep 1' >out
}
put_back preempt by_preemption --cpus-per-task=4

# Cancelled: the file is good, the job does not come back, and the command goes on.
started cancel
scancel "${job}_0" >out 2>&1
until was_stopped || [ "$size" -ge 30 ]; do
  more_work cancel
  scancel "${job}_0" >out 2>&1
done
wait_for "${job}_0" CANCELLED
expect 0 verify cancel.h5
says out partial
expect 0 run long.yaml -o cancel.h5 -q
equal long.h5 cancel.h5
report
