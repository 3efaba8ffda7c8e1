#!/bin/sh
# `ensgrad split`: table and JSON, the same numbers for any number of threads, and what is refused.
. tests/cli/harness.inc
cat >split.yaml <<'END'
title: a climb
seed: 3
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 0}
learning_rate: 1/16
steps: 8
dynamics: [{name: sgd, batch_size: 1}, {name: sme1, batch_size: 1}]
realisations: 64
observe: {at: {linear: 1}, features: [x]}
splitting: {feature: x0, low: 0.1, high: 0.5, replicas: 32, repeats: 8, burn_in: 64, count: 256}
END
expect 0 split split.yaml
says out "Splitting from A (x0 <= 0.1) to B (>= 0.5): 8 repeats of 32 paths"
check [ "$(grep -cE '^(sgd|sme1) ' out)" -eq 2 ]
expect 0 split split.yaml --json --threads 1
mv out one
expect 0 split split.yaml --json --threads 3
same out one
check grep -qE '"run": "sgd", "flux": [0-9.]+' one || head -c 300 one
expect 0 split split.yaml --set splitting.low=-0.1 --set splitting.high=-0.5
says out "A (x0 >= -0.1) to B (<= -0.5)"
expect 3 split split.yaml --set splitting.high=0.1
says err "there is nothing between A and B"
expect 3 split split.yaml --set splitting.feature=norm3
says err "'splitting.feature' = 'norm3' is no observed feature"
expect 3 split split.yaml --set 'start={normal: {std: 1}}'
says err "cannot be split: it needs a fixed start"
expect 2 split
report
