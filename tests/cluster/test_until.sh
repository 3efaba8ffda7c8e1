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
sessions run until.yaml -o parts.h5 -q --threads 2
echo "continued $stops times"
equal one.h5 parts.h5

# A killed run goes on; so does what was merged.
stopped killed.h5 50 run until.yaml -q --threads 1
expect 0 merge killed.h5 -o merged.h5 --allow-gaps
says err "tiles are missing"
expect 0 run until.yaml -o merged.h5 -q
equal one.h5 merged.h5

# A cap that comes first is said.
expect 0 run until.yaml -o small.h5 -q --set realisations=6000
expect 0 info small.h5
check grep -qE '^sgd: 6000 realisations, error [1-9][0-9.]* of the one asked for \(or effective samples are missing\): NOT reached$' out
check grep -qE '^larger batch: 6000 realisations, .* NOT reached$' out

# A larger cap takes over what is there.
expect 0 run until.yaml -o short.h5 -q --set realisations=8192
expect 0 extend short.h5 --realisations 2^18 -o extended.h5 -q
expect 0 run until.yaml -o again.h5 -q
equal one.h5 extended.h5
equal one.h5 again.h5

# Ended by variables of the result: an exponent of each run alone, a paired difference, the fit over a sweep by all runs together.
cat >values.yaml <<'END'
seed: 43
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 1}
horizon: 2
dynamics:
  - {name: sgd, batch_size: 4}
  - {name: sme1, batch_size: 4}
groups: {label: pair, members: [sgd, sme1]}
sweep: {learning_rate: [1/2, 1/4, 1/8]}
realisations: 2^17
observe: {at: {linear: 4}, features: [x, norm2], paths: {statistic: msd, name: r}}
analyse: {weak-error: {reference: exact}, diffusion: {of: r}}
until:
  - {variable: diffusion_exponent, stderr: 0.02, dynamics: sgd}
  - {variable: x_difference, time: 1, stderr: 2e-4}
END
expect 0 run values.yaml -o values.h5 --force -q --threads 1
expect 0 info values.h5
check grep -qE '^sgd learning_rate=0.5: [0-9]* realisations, error 0\.[0-9]* of the one asked for$' out
"$program" run values.yaml -o values_parts.h5 -q --threads 2 --max-time 0.1 >out 2>err
"$program" run values.yaml -o values_parts.h5 -q --threads 2 --max-time 0.2 >out 2>err
expect 0 run values.yaml -o values_parts.h5 -q --threads 2
equal values.h5 values_parts.h5
fit='{variable: weak_error_c, where: {weak_error_curve: sme1, weak_error_feature: x, weak_error_order: 1}, relative: 0.03}'
expect 0 run values.yaml --set "until=$fit" -o fit.h5 -q --threads 1
expect 0 info fit.h5
grep -oE ': [0-9]+ realisations, error 0\.[0-9]+ of' out | sort -u >ends
check [ "$(wc -l <ends)" -eq 1 ]
"$program" run values.yaml --set "until=$fit" -o fit_parts.h5 -q --threads 2 --max-time 0.1 >out 2>err
expect 0 run values.yaml --set "until=$fit" -o fit_parts.h5 -q --threads 2
equal fit.h5 fit_parts.h5
expect 0 check values.yaml
check grep -qE "until: about (8192|16384|32768|65536) realisations" out
# Required realisations of a weak error, by a pilot that must go beyond its first 512 of them (fits take no fewer than 1000 effective samples).
error='{variable: weak_error, where: {weak_error_curve: sme1, weak_error_feature: norm2}, stderr: 4e-4}'
expect 0 check values.yaml --set realisations=2^22 --set "until=$error"
check grep -qE "until: about (65536|131072|262144) realisations" out
expect 0 run values.yaml --set realisations=2^22 --set "until=$error" -o error.h5 -q
expect 0 info error.h5
says out "sgd learning_rate=0.5: 131072 realisations, error 0."

# What is refused, before a step is made.
refused() { # message, until
  expect 3 run values.yaml --set "until=$2" -o refused.h5
  says err "$1"
}
refused "'diffusion_slope' is no variable with an error bar" '{variable: diffusion_slope, stderr: 1}'
refused "there are: diffusion_exponent" '{variable: diffusion_slope, stderr: 1}'
refused "'until.where' has 'lag', and 'x' is over (run, time, component)" '{variable: x, where: {lag: 1}, stderr: 1}'
refused "'until.where' has 'time', which 'until.time' chooses" '{variable: x, where: {time: 1}, stderr: 1}'
refused "takes one word or number for 'component'" '{variable: x, where: {component: [0]}, stderr: 1}'
refused "no value of 'x' is what 'where'" '{variable: x, where: {component: 1}, stderr: 1}'
refused "'weak_error_slope' is not over run" '{variable: weak_error_slope, dynamics: sgd, stderr: 1}'
refused "exclude each other" '{variable: x, feature: x0, stderr: 1}'
refused "'until' needs 'feature' or 'variable'" '{stderr: 1}'
refused "'until.statistic' goes with 'feature'" '{variable: x, statistic: mean, stderr: 1}'
refused "'until.where' goes with 'variable'" '{feature: x0, where: {component: 0}, stderr: 1}'
check [ ! -e refused.h5 ]

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
sessions run levels.yaml -o levels.h5 -q --threads 2
equal levels1.h5 levels.h5
# With its own number of levels, too.
expect 0 run levels.yaml --set multilevel.levels=6 --set multilevel.least_levels=2 -o own1.h5 -q --threads 1
expect 0 info own1.h5
check grep -qE '^alpha .*bias of the finest level about [0-9.e-]+ of [0-9.e-]+ asked for; root mean square error' out
levels=$(grep -cE '^[0-6] +-?[0-9]' out)
check [ "$levels" -ge 4 ]
check [ "$levels" -le 6 ]
sessions run levels.yaml --set multilevel.levels=6 --set multilevel.least_levels=2 -o own.h5 -q --threads 2
equal own1.h5 own.h5
expect 3 run levels.yaml --set multilevel.least_levels=4 -o shard.h5
says err "'multilevel.least_levels' = 4 is more than 'multilevel.levels' = 3"
expect 0 check levels.yaml
says out "multilevel: that is the most"
cp levels1.h5 levels_again.h5
expect 0 analyse levels_again.h5
equal levels1.h5 levels_again.h5

# In shards, by rounds: every shard makes its part of the tiles up to the next look, and the merged sums decide whether another
# round follows. The bits are those of one run, for any number of shards in any round.
rounds() { # study, result, shards of the rounds ..
  study=$1 result=$2 made=0 code=75
  shift 2
  while [ "$code" -eq 75 ] && [ "$made" -lt 20 ]; do
    k=0
    while [ "$k" -lt "$1" ]; do
      if [ "$made" -eq 0 ]; then
        expect 0 run "$study" -o "$result" --shard "$k/$1" -q
      else
        expect 0 extend "$result" --shard "$k/$1" -q --force
      fi
      k=$((k + 1))
    done
    "$program" merge -o "$result" --force -q "${result%.h5}".shard-*-of-"$1".h5 >out 2>err
    code=$?
    made=$((made + 1))
    if [ $# -gt 1 ]; then
      shift
    fi
  done
  check [ "$code" -eq 0 ]
  echo "$study: $made rounds"
}
rounds until.yaml rounds.h5 3 7 2 5
equal one.h5 rounds.h5
check [ "$made" -eq 4 ] # 4096, 8192, 16384, 32768
rounds levels.yaml level_rounds.h5 2 3
equal levels1.h5 level_rounds.h5
check [ "$made" -ge 3 ]

# A round that is not over; one that is, and what goes on from there: shards of another number, one process, a larger cap.
expect 0 run until.yaml -o part.h5 --shard 0/2 -q
expect 0 run until.yaml -o part.h5 --shard 1/2 -q
expect 8 merge -o gap.h5 part.shard-0-of-2.h5
says err "tiles are missing"
says err "no file of shard 1/2"
expect 75 merge -o first.h5 part.shard-0-of-2.h5 part.shard-1-of-2.h5
says err "first.h5 is the end of a round"
expect 0 info first.h5
says out partial
expect 5 extend first.h5 -o part.h5 --shard 0/2 -q
says err "lacks tiles of the result that is extended: it is of an earlier round"
expect 5 extend first.h5 -o part.h5 --shard 1/2 -q
says err "or of an earlier round"
# One that was stopped elsewhere than at a look, which can happen: then again, with other limits.
code=0
for limit in 50 61 72 83 94 105 116 127 138 149; do
  stopped middle.h5 $limit run until.yaml -q --threads 1
  expect 0 verify middle.h5
  "$program" extend middle.h5 --shard 0/2 -q >out 2>err
  code=$?
  [ $code -eq 0 ] || break
  rm -f middle.shard-*
done
check [ "$code" -eq 2 ]
says err "or the end of a round: continue it first"
cp first.h5 alone.h5
expect 0 run until.yaml -o alone.h5 -q
equal one.h5 alone.h5
expect 0 run until.yaml --set realisations=8192 -o capped.h5 -q
expect 0 extend capped.h5 --realisations 2^18 -o further.h5 --shard 0/2 -q
expect 0 extend capped.h5 --realisations 2^18 -o further.h5 --shard 1/2 -q
expect 75 merge -o further.h5 further.shard-*
expect 0 run until.yaml -o further.h5 -q
equal one.h5 further.h5
expect 2 extend one.h5 --realisations 4096 --shard 0/2 -o none.h5 # fewer than the study has
expect 0 extend one.h5 --shard 0/2 -o none.h5 -q # nothing is asked for: the same again
expect 0 extend one.h5 --shard 1/2 -o none.h5 -q
expect 0 merge -o none.h5 none.shard-* -q
equal one.h5 none.h5
expect 0 check until.yaml
says out "until: about 32768 realisations"
expect 0 check until.yaml --json
says out '"until_realisations": 32768'
report
