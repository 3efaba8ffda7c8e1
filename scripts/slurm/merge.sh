#!/bin/bash
# The shards of a result as one: sbatch --dependency=afterok:JOB scripts/slurm/merge.sh result.h5 [N]
# N: how many there are; else as many as the one written last says. Shards of another division that lie there are left alone.
#SBATCH --job-name=ensgrad-merge
#SBATCH --ntasks=1
set -u
result=$1
n=${2:-}
if [ -z "$n" ]; then
  last=""
  for shard in "${result%.h5}".shard-*-of-*.h5; do
    if [ -z "$last" ] || [ "$shard" -nt "$last" ]; then
      last=$shard
    fi
  done
  n=${last##*-of-}
  n=${n%.h5}
fi
exec ensgrad merge -o "$result" --force "${result%.h5}".shard-*-of-"$n".h5
