#!/bin/sh
# `ensgrad split`: table, JSON and file, the same numbers for any number of threads and stops, and what is refused.
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

# A file: the same numbers, sealed, for any threads, stops and continuations.
same_arrays() { # all but /provenance
  checks=$((checks + 1))
  "$(dirname "$program")/tests/same_result" "$1" "$2" >differs 2>&1 || fail "$1 and $2: $(cat differs)"
}
expect 0 split split.yaml
mv out table
expect 0 split split.yaml -o split.h5 --threads 1
same out table
expect 0 info split.h5
same out table
expect 0 verify split.h5
says out "split.h5: sealed, complete"
cp split.h5 before.h5
expect 0 split split.yaml -o split.h5 --json
same out one
same split.h5 before.h5
expect 0 split split.yaml -o three.h5 --threads 3
same_arrays split.h5 three.h5
check /usr/bin/python3 -c '
import h5py, numpy
f = h5py.File("split.h5"); g = f["splitting"]; a = f["analysis"]
rate = g["flux"][...] * g["probability"][...]
assert rate.shape == (2, 8) and numpy.array_equal(rate, g["rate"][...])
assert numpy.allclose(rate.mean(axis=1), a["splitting_rate"][...], rtol=1e-14)
assert numpy.allclose(rate.std(axis=1, ddof=1) / 8**0.5, a["splitting_rate_stderr"][...], rtol=1e-12)
assert a["splitting_rate_low"].attrs["long_name"] is not None and "complete" in str(f.attrs["status"])'
long="--set splitting.repeats=64 --set splitting.replicas=512 --set splitting.count=4096"
expect 0 split split.yaml $long -o whole.h5 --threads 2
# shellcheck disable=SC2086
stopped parts.h5 100 split split.yaml $long --threads 2
says err "and the same command continues"
# shellcheck disable=SC2086
sessions split split.yaml $long -o parts.h5 --threads 2
expect 75 split split.yaml --set splitting.count=2^24 -o long.h5 --threads 1 --max-time 0.3
says err "no repeat was finished in"
same_arrays whole.h5 parts.h5
rm -f signal.h5
"$program" split split.yaml $long --set splitting.repeats=4096 -o signal.h5 --threads 1 >out 2>err &
pid=$!
listens "$pid"
sleep 0.5
kill -TERM "$pid"
wait "$pid"
check [ $? -eq 75 ]
expect 0 verify signal.h5
says out "sealed, partial"
expect 0 info signal.h5
says out "PARTIAL: "

# Another splitting, a run's result, a result that is no splitting: untouched.
expect 5 split split.yaml -o split.h5 --set splitting.high=0.6
says err "split.h5 holds the splitting of another study"
expect 0 run split.yaml -o run.h5 -q
expect 5 split split.yaml -o run.h5
says err "run.h5 is no result of a splitting"
expect 5 run split.yaml -o split.h5
expect 3 analyse split.h5
says err "split.h5 holds a splitting"
same split.h5 before.h5
expect 0 split split.yaml -o split.h5 --set splitting.high=0.6 --force
expect 2 split split.yaml -o split.yaml
says err "it needs a file of its own"
report
