#!/bin/sh
# Runs that end by their errors: the same bits for any threads, kills and continuations, parts that are merged, a larger cap; what is refused.
. tests/cluster/cluster.inc

cat >until.yaml <<'END'
seed: 41
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 1}
steps: 2000
learning_rate: 1/8
dynamics:
  - {name: sgd, batch_size: 1}
  - {name: sgd, batch_size: 4, label: larger batch}
  - {name: sme1, batch_size: 4}
groups: {label: pair, members: [larger batch, sme1]}
realisations: 2^18
observe: {at: {linear: 2}, features: [x, norm2], histograms: {feature: norm2, bins: 16}}
until:
  - {feature: norm2, relative: 0.011}
  - {feature: x0, statistic: variance, relative: 0.008, dynamics: sgd}
END

expect 0 run until.yaml -o one.h5 --force -q --threads 1
expect 0 info one.h5
check grep -qE '^sgd: 32768 realisations, error 0\.[0-9]* of the one asked for$' out
check grep -qE '^larger batch: 32768 realisations' out
check grep -qE '^sme1: 32768 realisations' out
expect 0 run until.yaml -o four.h5 --force -q --threads 4
equal one.h5 four.h5

# Stopped again and again, at any look.
tries=0
"$program" run until.yaml -o parts.h5 -q --threads 2 --max-time 0.05 >out 2>err
code=$?
while [ "$code" -eq 75 ] && [ "$tries" -lt 200 ]; do
  tries=$((tries + 1))
  "$program" run until.yaml -o parts.h5 -q --threads 2 --max-time 0.05 >out 2>err
  code=$?
done
check [ "$code" -eq 0 ]
check [ "$tries" -ge 1 ]
echo "continued $tries times"
equal one.h5 parts.h5

# A killed run goes on; so does what was merged.
"$program" run until.yaml -o killed.h5 -q --threads 1 --max-time 0.05 >out 2>err
check [ "$?" -eq 75 ]
expect 0 merge killed.h5 -o merged.h5 --allow-gaps
says err "tiles are missing"
expect 0 run until.yaml -o merged.h5 -q
equal one.h5 merged.h5

# A cap that comes first is said.
expect 0 run until.yaml -o small.h5 -q --set realisations=6000
expect 0 info small.h5
check grep -qE '^sgd: 6000 realisations, error [1-9][0-9.]* of the one asked for: NOT reached$' out
check grep -qE '^larger batch: 6000 realisations, .* NOT reached$' out

# A larger cap takes over what is there.
expect 0 run until.yaml -o short.h5 -q --set realisations=8192
expect 0 extend short.h5 --realisations 2^18 -o extended.h5 -q
expect 0 run until.yaml -o again.h5 -q
equal one.h5 extended.h5
equal one.h5 again.h5

# The allocation of multilevel Monte Carlo, which looks at all levels.
cat >levels.yaml <<'END'
seed: 42
model: {name: quadratic, curvature: 1, noise: 1, multiplicative: 0.5}
start: {point: 1}
steps: 400
learning_rate: 1/8
dynamics: {name: sme1, scheme: euler-maruyama}
multilevel: {levels: 3, feature: norm2, relative: 3e-3}
realisations: 2^20
observe: {at: {linear: 2}, features: [x, norm2]}
END
expect 0 run levels.yaml -o levels1.h5 -q --threads 1
expect 0 run levels.yaml -o levels4.h5 -q --threads 4
equal levels1.h5 levels4.h5
tries=0
code=75
while [ "$code" -eq 75 ] && [ "$tries" -lt 200 ]; do
  tries=$((tries + 1))
  "$program" run levels.yaml -o levels.h5 -q --threads 2 --max-time 0.1 >out 2>err
  code=$?
done
check [ "$code" -eq 0 ]
check [ "$tries" -ge 2 ]
equal levels1.h5 levels.h5
expect 0 check levels.yaml
says out "multilevel: that is the most"
expect 2 run levels.yaml --shard 0/2 -o shard.h5
says err "'multilevel' decides by the sums of all realisations"
cp levels1.h5 levels_again.h5
expect 0 analyse levels_again.h5
equal levels1.h5 levels_again.h5

expect 2 run until.yaml --shard 0/2 -o shard.h5
says err "'until' decides by the sums of all realisations"
expect 0 check until.yaml
says out "until: about 32768 realisations"
expect 0 check until.yaml --json
says out '"until_realisations": 32768'
report
