#!/bin/sh
# Shards and their merging: any division and order give the bits of the single run; overlap, gaps, other studies and damaged
# files are refused.
. tests/cluster/cluster.inc

# shards STUDY N: all shards of a division, in files STUDY.shard-*-of-N.h5.
shards() {
  k=0
  while [ $k -lt "$2" ]; do
    expect 0 run "$1.yaml" --shard "$k/$2" -q --threads $((k % 2 + 1))
    k=$((k + 1))
  done
}

for study in rich absorbing groups; do
  expect 0 run $study.yaml -o $study.h5 -q
  for n in 2 7 40; do
    shards $study $n
    expect 0 merge -o merged.h5 --force -q $study.shard-*-of-$n.h5
    equal $study.h5 merged.h5
  done
done
expect 0 verify rich.shard-0-of-7.h5 merged.h5
says out "rich.shard-0-of-7.h5: sealed, partial"
says out "merged.h5: sealed, complete"

# In any order, and in two stages.
expect 0 merge -o low.h5 --allow-gaps rich.shard-4-of-7.h5 rich.shard-0-of-7.h5 rich.shard-6-of-7.h5
says err "no file of shard 1/7, 2/7, 3/7, 5/7"
says err "completes it"
expect 0 verify low.h5
says out partial
expect 0 merge -o high.h5 --allow-gaps -q rich.shard-5-of-7.h5 rich.shard-1-of-7.h5 rich.shard-2-of-7.h5
expect 0 merge -o staged.h5 -q high.h5 rich.shard-3-of-7.h5 low.h5
equal rich.h5 staged.h5

# Covariances of more times than 256, a product of matrices over the tile: of the mean-reverting process, in two points.
cat >wide.yaml <<'END'
seed: 49
model: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}
start: {points: [[0], [1]]}
steps: 300
time_step: 1/64
dynamics: {name: sde, scheme: euler-maruyama}
realisations: 9000
observe: {at: {linear: 300}, features: [x], paths: {statistic: two-time}}
END
expect 0 run wide.yaml -o wide.h5 -q --threads 1
expect 0 run wide.yaml -o wide4.h5 -q --threads 4
equal wide.h5 wide4.h5
expect 0 run wide.yaml -o wide.h5 -q --shard 0/2
expect 0 run wide.yaml -o wide.h5 -q --shard 1/2
expect 0 merge -o wide_merged.h5 -q wide.shard-*-of-2.h5
equal wide.h5 wide_merged.h5
rm wide*.h5

# What the studies above lack: a ratio of two time averages, powers of displacements, the trace of the noise, and all of it again from a
# run that was stopped.
cat >more.yaml <<'END'
seed: 50
model: {name: quadratic, curvature: [1, 0.5], noise: 0.5, multiplicative: 0.25}
start: {points: [[1, 0.5], [0, 1]]}
steps: 64
learning_rate: 1/8
dynamics: {name: sgd, batch_size: 2}
realisations: 9000
observe:
  at: {linear: 8}
  features: [x, noise_trace]
  statistics: [moments, covariance]
  histograms: {feature: noise_trace, bins: 16}
  paths:
    - {statistic: time-average, name: ratio, feature: noise_trace, with: gradient_norm2, combine: ratio}
    - {statistic: time-average, name: spread, feature: x0, with: x1, combine: covariance, every: 2}
    - {statistic: moments, powers: [1, 2, 4], histogram: true}
    - {statistic: characteristic, arguments: [1, 2]}
END
expect 0 run more.yaml -o more.h5 -q --threads 1
expect 0 run more.yaml -o more4.h5 -q --threads 4
equal more.h5 more4.h5
shards more 3
expect 0 merge -o more_merged.h5 -q more.shard-2-of-3.h5 more.shard-0-of-3.h5 more.shard-1-of-3.h5
equal more.h5 more_merged.h5
expect 0 run more.yaml -o more_long.h5 -q --set realisations=2^18
stopped more_parts.h5 200 run more.yaml -q --threads 2 --set realisations=2^18
expect 0 run more.yaml -o more_parts.h5 -q --set realisations=2^18
equal more_long.h5 more_parts.h5
check [ "$("$same_result" more.h5 more_long.h5 >/dev/null; echo $?)" = 1 ]
rm more*.h5

# A merge prints the table of the single run.
"$program" info rich.h5 | sed 1,2d >wanted # without provenance
expect 0 merge -o again.h5 rich.shard-*-of-2.h5
sed 1,2d out >got
same wanted got

# The comparison itself sees another seed.
expect 0 run rich.yaml -o seed.h5 --set seed=78 -q
check [ "$("$same_result" rich.h5 seed.h5 >/dev/null; echo $?)" = 1 ]

# Gaps and overlap.
expect 8 merge -o gap.h5 rich.shard-[013456]-of-7.h5
says err "no file of shard 2/7"
check [ ! -e gap.h5 ]
expect 8 merge -o twice.h5 rich.shard-*-of-7.h5 rich.shard-2-of-7.h5
says err "overlap: tile"
cp rich.shard-2-of-7.h5 copy.h5
expect 8 merge -o twice.h5 rich.shard-*-of-7.h5 copy.h5
says err "copy.h5 and rich.shard-2-of-7.h5 overlap"
expect 8 merge -o twice.h5 rich.shard-*-of-7.h5 rich.shard-0-of-2.h5
expect 8 merge -o twice.h5 rich.h5 rich.shard-0-of-2.h5
check [ ! -e twice.h5 ]

# A gap is filled by a run of the whole study.
expect 0 run rich.yaml -o low.h5 -q
equal rich.h5 low.h5

# Other studies, seeds and data; damaged and foreign files; outputs.
expect 3 merge -o other.h5 rich.shard-0-of-2.h5 groups.shard-1-of-2.h5
says err "another study"
expect 0 run rich.yaml --shard 1/2 --set seed=78 -o seed.h5 -q
expect 3 merge -o other.h5 rich.shard-0-of-2.h5 seed.shard-1-of-2.h5
says err "'seed 78' there, 'seed 77' here"
for file in rich.shard-1-of-7.h5 rich.yaml; do
  cp $file bad.h5
  printf 'X' | dd of=bad.h5 bs=1 seek=500 conv=notrunc 2>dd.log
  expect 7 merge -o bad-merged.h5 rich.shard-[023456]-of-7.h5 bad.h5
done
head -c 3000 rich.shard-1-of-7.h5 >bad.h5
expect 7 merge -o bad-merged.h5 bad.h5 rich.shard-[023456]-of-7.h5
expect 5 merge -o bad-merged.h5 nothing.h5
check [ ! -e bad-merged.h5 ]
cp -p merged.h5 before.h5
expect 5 merge -o merged.h5 groups.shard-*-of-2.h5
says err "there already"
same merged.h5 before.h5
expect 2 merge -o copy.h5 copy.h5 rich.shard-0-of-7.h5
expect 2 merge rich.shard-*-of-7.h5
expect 5 merge -o folder/that/is/missing.h5 rich.shard-*-of-7.h5

# A shard stops and continues; it is no other shard and no whole.
expect 75 run rich.yaml --shard 1/2 -o part.h5 --set realisations=2^24 --max-time 0.4 --threads 1
says err "part.shard-1-of-2.h5 is a valid partial result"
expect 8 merge -o unfinished.h5 part.shard-1-of-2.h5
says err "not finished: part.shard-1-of-2.h5"
cp rich.shard-1-of-2.h5 rich.shard-0-of-3.h5
expect 5 run rich.yaml --shard 0/3
says err "holds shard 1/2"
cp rich.shard-1-of-2.h5 whole.h5
expect 5 run rich.yaml -o whole.h5
says err "continue it with --shard 1/2"
cp rich.h5 whole.shard-1-of-2.h5
expect 5 run rich.yaml -o whole.h5 --shard 1/2
says err "is no shard"
expect 0 run rich.yaml --shard 1/2
says err "complete already"

# More shards than tiles: empty ones are good files.
expect 0 run rich.yaml --set realisations=100 -o few.h5 -q
k=0
while [ $k -lt 5 ]; do
  expect 0 run rich.yaml --set realisations=100 --shard $k/5 -o few.h5 -q
  k=$((k + 1))
done
expect 0 merge -o few-merged.h5 -q few.shard-*-of-5.h5
equal few.h5 few-merged.h5

# The script for Slurm takes the division that was written last, or the one that it is told, and no shard of another.
mkdir bin
ln -s "$program" bin/ensgrad
for n in 3 2; do
  k=0
  while [ $k -lt $n ]; do
    expect 0 run rich.yaml --set realisations=100 --shard $k/$n -o "a few.h5" -q
    k=$((k + 1))
  done
done
for n in "" 3; do
  # shellcheck disable=SC2086
  check env PATH="$folder/bin:$PATH" bash "$root/scripts/slurm/merge.sh" "a few.h5" $n >out 2>err
  equal few.h5 "a few.h5"
done
expect 0 run rich.yaml --set realisations=100 --shard 0/4 -o "a few.h5" -q
check [ "$(env PATH="$folder/bin:$PATH" bash "$root/scripts/slurm/merge.sh" "a few.h5" >out 2>err; echo $?)" -eq 8 ]
says err "no file of shard 1/4, 2/4, 3/4"

# The option.
for text in 3/3 1 1/ /2 -1/2 1/0 1/2/3 a/2 1/2097152; do
  expect 2 run rich.yaml --shard "$text"
done
unset SLURM_ARRAY_TASK_ID SLURM_PROCID SLURM_STEP_NUM_TASKS SLURM_NTASKS
expect 2 run rich.yaml --shard slurm
says err "no job of Slurm"
array() { # COUNT MIN MAX ID
  SLURM_ARRAY_TASK_COUNT=$1 SLURM_ARRAY_TASK_MIN=$2 SLURM_ARRAY_TASK_MAX=$3 SLURM_ARRAY_TASK_ID=$4
  export SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_MAX SLURM_ARRAY_TASK_ID
}
array 4 10 40 30
expect 0 run rich.yaml --shard slurm -o array.h5 -q
check [ -e array.shard-2-of-4.h5 ]
array 3 1 9 2
expect 2 run rich.yaml --shard slurm -o array.h5
says err "evenly spaced"
array 3 1 3 2
SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 expect 0 run rich.yaml --shard slurm -o both.h5 -q
check [ -e both.shard-3-of-6.h5 ]
unset SLURM_ARRAY_TASK_ID
SLURM_PROCID=0 SLURM_NTASKS=4 expect 2 run rich.yaml --shard slurm
says err "start it with srun"
report
