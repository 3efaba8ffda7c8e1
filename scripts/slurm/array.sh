#!/bin/bash
# A study as a job array: every element advances one shard into RESULT.shard-K-of-N.h5 beside RESULT.h5.
#   sbatch --array=0-99 --time=04:00:00 scripts/slurm/array.sh study.yaml result.h5 [ensgrad's options]
#   sbatch --dependency=afterok:JOB scripts/slurm/merge.sh result.h5
# Two minutes before the time limit (or when it is told so by scancel -b -s USR1) an element saves its state, ends with
# code 75 and puts itself back into the queue; there it goes on. A preempted element saves its state in the grace time and
# is put back by Slurm. A cancelled one saves its state and stays cancelled; submitted again, it goes on.
# With the end of a round, a result file, in place of the study: the next round of a study with `until` or `multilevel`, which
# merge.sh submits.
#SBATCH --job-name=ensgrad
#SBATCH --array=0-9
#SBATCH --cpus-per-task=1
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
study=$1
result=$2
shift 2

case $study in
*.h5) what=extend ;;
*) what=run ;;
esac
ensgrad $what "$study" -o "$result" --shard slurm --threads "${SLURM_CPUS_PER_TASK:-1}" "$@" &
child=$!
told=""
trap 'told=USR1; kill -USR1 $child' USR1 # Slurm tells the script alone ..
trap 'told=TERM; kill -USR1 $child' TERM # .. and here also its children, which is no matter
wait $child
code=$?
while kill -0 $child 2>/dev/null; do # a trap ends the wait, not the program
  wait $child
  code=$?
done
if [ $code -eq 75 ] && [ "$told" != TERM ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
