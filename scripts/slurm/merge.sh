#!/bin/bash
# The shards of a result as one: sbatch --dependency=afterok:JOB scripts/slurm/merge.sh result.h5
#SBATCH --job-name=ensgrad-merge
#SBATCH --ntasks=1
set -u
exec ensgrad merge -o "$1" --force "${1%.h5}".shard-*-of-*.h5
