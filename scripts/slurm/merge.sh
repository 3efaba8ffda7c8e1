#!/bin/bash
# The shards of a result as one: sbatch --dependency=afterok:JOB scripts/slurm/merge.sh result.h5 [N [OPTION.. [-- ENSGRAD'S..]]]
# N: how many there are; else as many as the one written last says. Shards of another division that lie there are left alone.
# Of a study with `until` or `multilevel` that is one round. Where the merged sums ask for another one this job submits it, as an
# array of N again and a merging behind it, until the study is done: RESULT.h5 is there then, and not before.
# OPTION..: sbatch's for the arrays of these rounds, as --time=04:00:00; behind -- options of `ensgrad extend`, as -q.
# RESULT.round-R.h5 is what rounds up to R have made together; it and the shards may be deleted once RESULT.h5 is there.
#SBATCH --job-name=ensgrad-merge
#SBATCH --ntasks=1
set -u
result=$1
n=${2:-}
name=${result%.h5}
round=${ENSGRAD_ROUND:-1} # set for the jobs that this script submits
made=$name
if [ "$round" -gt 1 ]; then
  made=$name.round-$round
fi
if [ -z "$n" ]; then
  last=""
  for shard in "$made".shard-*-of-*.h5; do
    if [ -z "$last" ] || [ "$shard" -nt "$last" ]; then
      last=$shard
    fi
  done
  n=${last##*-of-}
  n=${n%.h5}
fi
shift $(($# < 2 ? $# : 2))

merged=$name.round-$round.h5
ensgrad merge -o "$merged" --force "$made".shard-*-of-"$n".h5
code=$?
if [ $code -eq 0 ]; then
  mv -fv "$merged" "$result"
fi
if [ $code -ne 75 ] || [ -z "${SLURM_JOB_ID:-}" ]; then
  exit $code
fi
options=()
given=("$@")
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  options+=("$1")
  shift
done
shift $(($# > 0 ? 1 : 0))
# Slurm runs a copy of this script: where it and array.sh lie
here=${ENSGRAD_SCRIPTS:-$(scontrol show job "$SLURM_JOB_ID" | sed -n 's|^ *Command=\(.*\)/merge\.sh.*|\1|p')}
round=$((round + 1))
job=$(sbatch --parsable --array=0-$((n - 1)) ${options[@]+"${options[@]}"} "$here/array.sh" "$merged" "$name.round-$round.h5" "$@") || exit
ENSGRAD_ROUND=$round sbatch --dependency=afterok:"${job%%;*}" --kill-on-invalid-dep=yes "$here/merge.sh" "$result" "$n" ${given[@]+"${given[@]}"}
