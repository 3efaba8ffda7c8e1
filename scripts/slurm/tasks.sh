#!/bin/bash
# A study as one job of several tasks, each a shard, and their merging at the end:
#   sbatch --ntasks=32 --time=04:00:00 scripts/slurm/tasks.sh study.yaml result.h5 [ensgrad's options]
# Two minutes before the time limit the tasks save their states and end with code 75; the job puts itself back into the
# queue and goes on there.
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

told=""
trap 'told=TERM' TERM # preempted or cancelled: Slurm knows what comes next
srun --kill-on-bad-exit=0 ensgrad run "$study" -o "$result" --shard slurm --threads "${SLURM_CPUS_PER_TASK:-1}" "$@"
code=$?
if [ $code -eq 75 ] && [ -z "$told" ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
if [ $code -eq 0 ]; then
  ensgrad merge -o "$result" --force "${result%.h5}".shard-*-of-"$SLURM_NTASKS".h5
  code=$?
fi
exit $code
