#!/bin/bash
# A study as one job of several tasks, each a shard, and their merging at the end:
#   sbatch --ntasks=32 --time=04:00:00 scripts/slurm/tasks.sh study.yaml result.h5 [ensgrad's options]
# Two minutes before the time limit the tasks save their states and end with code 75; the job puts itself back into the
# queue and goes on there.
# A study with `until` or `multilevel` goes round by round: RESULT.round-R.h5 is what the rounds up to R have made together,
# RESULT.round-R.shard-K-of-N.h5 (of the first RESULT.shard-..) who made it. A job that begins again finds them done. They
# may be deleted once RESULT.h5 is there.
#SBATCH --job-name=ensgrad
#SBATCH --ntasks=2
#SBATCH --cpus-per-task=1
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
study=$1
result=$2
shift 2
name=${result%.h5}

told=""
trap 'told=TERM' TERM # preempted or cancelled: Slurm knows what comes next

# shards COMMAND..: one for each task; where one is stopped or fails the job ends.
shards() {
  srun --kill-on-bad-exit=0 ensgrad "$@" --shard slurm --threads "${SLURM_CPUS_PER_TASK:-1}"
  code=$?
  if [ $code -eq 75 ] && [ -z "$told" ]; then
    scontrol requeue "$SLURM_JOB_ID"
  fi
  if [ $code -ne 0 ]; then
    exit $code
  fi
}

shards run "$study" -o "$result" "$@"
more=() # options of the rounds behind the first: the file that they begin with has the study, --set and all
while [ $# -gt 0 ]; do
  case $1 in
  --set) shift ;;
  --set=*) ;;
  *) more+=("$1") ;;
  esac
  shift
done
round=1
made=$name
while ensgrad merge -o "$name.round-$round.h5" --force "$made".shard-*-of-"$SLURM_NTASKS".h5; code=$?; [ $code -eq 75 ]; do
  before=$name.round-$round.h5
  round=$((round + 1))
  made=$name.round-$round
  shards extend "$before" -o "$made.h5" ${more[@]+"${more[@]}"}
done
if [ $code -eq 0 ]; then
  mv -fv "$name.round-$round.h5" "$result"
fi
exit $code
