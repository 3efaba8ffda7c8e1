#!/bin/sh
# The time limit of a job, on a real Slurm of one node, where the least limit is a minute and is looked at every half minute: the
# signal before it, for an array and for tasks, and the limit alone. Minutes: label slow.
. tests/cluster/cluster.inc
. "$root/tests/cluster/slurm.inc"
scripts=$root/scripts/slurm
PATH=$(dirname "$program"):$PATH
export PATH

# long STUDY SECONDS: more than so many seconds of one core.
long() {
  size=14
  while :; do
    write_study "$1" "2^$size" 1024
    started=$(date +%s%N)
    "$program" run "$1" -o "$1.h5" --threads 1 -q --force >out || fail "the long study"
    milliseconds=$((($(date +%s%N) - started) / 1000000))
    [ $milliseconds -gt 2000 ] && break
    size=$((size + 1))
  done
  while [ $milliseconds -lt $((1000 * $2)) ]; do
    size=$((size + 1))
    milliseconds=$((2 * milliseconds))
  done
  write_study "$1" "2^$size" 1024
  expect 0 run "$1" -o "$1.h5" -q --force
}

# lives JOB LOG: until it is completed; what waits in the queue after a life need not wait two minutes, but begins only some seconds
# after the last life has left the node: a slurmd that still has it refuses the next one, and the job fails without a word.
# At least one life was cut.
lives() {
  tries=0
  waits=0
  while [ "$(state_of "$1")" != COMPLETED ] && [ $tries -lt 600 ] && [ "$(state_of "$1")" != FAILED ]; do
    if [ "$(state_of "$1")" = PENDING ] && sinfo -h -o %T | grep -q idle; then
      waits=$((waits + 1))
      [ $waits -lt 5 ] || scontrol update JobId="$1" StartTime=now 2>/dev/null
    else
      waits=0
    fi
    sleep 1
    tries=$((tries + 1))
  done
  check [ "$(state_of "$1")" = COMPLETED ]
  says "$2" "stopped early (SIGUSR1)"
  [ "$(state_of "$1")" = COMPLETED ] || { tail -n 20 "$2" "$slurm"/*.log; scontrol show job "$1" | head -n 20; }
  check [ "$(grep -c 'TIME LIMIT' "$2")" = 0 ]
}

long long.yaml 70
job=$(submit --array=0 --time=1 --signal=B:USR1@20 --output=limit.log "$scripts/array.sh" long.yaml limit.h5)
lives "${job}_0" limit.log
equal long.yaml.h5 limit.h5

# Two tasks have half of it each.
long double.yaml 140
job=$(submit --ntasks=2 --time=1 --signal=USR1@20 --output=tasks.log "$scripts/tasks.sh" double.yaml tasks.h5)
lives "$job" tasks.log
equal double.yaml.h5 tasks.h5

# Nothing but the limit: TERM, and the command goes on.
job=$(submit --time=1 --output=alone.log --wrap "exec ensgrad run double.yaml -o alone.h5 --threads 1")
wait_for "$job" TIMEOUT
tries=0
until grep -q "stopped early (SIGTERM)" alone.log || [ $tries -gt 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
says alone.log "stopped early (SIGTERM)"
expect 0 verify alone.h5
says out partial
expect 0 run double.yaml -o alone.h5 -q
equal double.yaml.h5 alone.h5
report
