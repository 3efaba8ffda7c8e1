#!/bin/sh
# Groups on the command line: the plan, the table of differences, a wrong group. On a device: tests/conformance/cuda_groups.sh.
. tests/cli/harness.inc

cat >pair.yaml <<'END'
title: a pair
seed: 5
model: {name: ornstein-uhlenbeck}
start: {point: 1}
horizon: 1
sweep: {time_step: [1/4, 1/8, 1/16]}
dynamics:
  - {name: sde, label: coarse}
  - {name: sde, label: fine, substeps: 4}
groups:
  - {label: steps, members: [coarse, fine]}
realisations: 2^14
observe: {at: {linear: 2}, features: [x, norm2]}
analyse: [{weak-error: {reference: fine}}]
END

expect 0 check pair.yaml
says out "group steps time_step=0.125, together: coarse time_step=0.125 (sums of 4 increments), fine time_step=0.125"

expect 0 run pair.yaml -o pair.h5 --quiet
says out "Differences in groups at the last time"
says out "coarse time_step=0.0625 - fine time_step=0.0625"
says out "unpaired/paired variance"
cp out table
expect 0 info pair.h5
same out table
expect 0 verify pair.h5

# A run of a group continues as any other, and does not depend on threads.
stopped parts.h5 50 run pair.yaml --quiet --threads 1 --set realisations=2^20
expect 0 run pair.yaml -o parts.h5 --quiet --threads 2 --set realisations=2^20
expect 0 run pair.yaml -o whole.h5 --quiet --threads 1 --set realisations=2^20
"$program" info parts.h5 | tail -n +3 >parts
"$program" info whole.h5 | tail -n +3 >whole
same parts whole

expect 3 check pair.yaml --set groups='[{label: steps, members: [coarse, fin]}]'
says err "did you mean 'fine'?"
expect 3 check pair.yaml --set noise=table5
says err "a sum of increments has the law of one increment only for Gaussian noise"
expect 0 help study
says out "one of: learning_rate, time_step, substeps"

report
