#!/bin/sh
# What tables say of few realisations, of one, of lost ones and of heavy tails: no error bar that nobody knows, no verdict without one, never
# nan, and a reason in words.
. tests/cli/harness.inc

# no_nan: nothing printed by the last command is nan.
no_nan() {
  checks=$((checks + 1))
  if grep -qiw nan out err; then
    fail "nan is printed:"
    grep -iw nan out err
  fi
}

cat >few.yaml <<'END'
seed: 1
model: {name: ornstein-uhlenbeck, rate: 1, sigma: 1}
start: {normal: {mean: 0, std: 0.7}}
time_step: 1/8
steps: 64
dynamics: {name: sde}
realisations: 1
observe:
  at: {steps: {linear: 16}}
  features: [x, norm2]
  statistics: [moments, covariance, msd]
  histograms: {feature: x, bins: 8}
  paths:
    - {statistic: msd}
    - {statistic: moments}
    - {statistic: time-average, feature: norm2}
    - {statistic: tail}
analyse:
  - diffusion: {}
  - diffusion: {to: 1.5}
  - quantiles: {}
  - stationary: {from: 4}
END
for n in 1 2 7 24 65; do
  expect 0 run few.yaml --set realisations=$n -o few.h5 --force
  no_nan
  case $n in
  1) says out "not judged: one realisation, or an x that does not vary" ;;
  2 | 7) # 16 lags: the slope between the ends, and no error from so few
    says out "slope between the ends: a fit of so many lags takes more than $n trajectories (5 a lag"
    check grep -qE '^sde +-?[0-9.]+ +- +\[-, -\]  [0-9.]+ +- +0\.5 to 8 ' out
    says out "no errors known: fewer than 8 blocks of realisations"
    says out "fluctuation / dissipation"
    ;;
  24) # with one; 3 lags are too few for more
    check grep -qE '^sde +-?[0-9.]+ +[0-9.]+ +\[-?[0-9.]+, -?[0-9.]+\].* 0\.5 to 8 .*slope between the ends' out
    says out "too few lags with a positive mean and an error"
    ;;
  65) # a Gaussian of 65 values has no heavy tail; its squares, and powers of its displacements, have
    says out "fewer than 1000 values: too few to know the tail by"
    check grep -qE '^Heavy tails, do not trust the error bars of: norm2 \([0-9]+ of 16 values\), .*path_moments \([0-9]+ of 96 values\)' out
    ;;
  esac
done
expect 0 run few.yaml --set realisations=4096 -o few.h5 --force
no_nan
says out "window shortened" # a fit again

# Two points of a growing process: powers of their distance have tails, its logarithm has none.
cat >flow.yaml <<'END'
seed: 5
model: {name: geometric-brownian-motion, mu: 0, sigma: 2}
start: {points: [[1], [2]]}
time_step: 1/16
steps: 16
dynamics: {name: sde, scheme: exact}
realisations: 3000
observe: {at: {linear: 2}, features: [x], paths: {statistic: distance, powers: [0, 2]}}
analyse: {flow: {}}
END
expect 0 run flow.yaml -o flow.h5
check grep -qE '^sde +0, 1 +0 .*[0-9] *$' out
check grep -qE '^sde +0, 1 +2 .*heavy tail: do not trust the error bars$' out
check grep -qE 'error bars of: x \([0-9] of 4 values\), path_distance' out
expect 3 run flow.yaml --set 'start={points: [[1], [2], [1]]}' -o equal.h5
says err "points 0 and 2 start at one place, which one noise never parts: no realisation would count"
expect 0 run flow.yaml --set 'start={points: [[1], [2], [1]]}' --set 'observe.paths={statistic: distance}' --set 'analyse={}' -o equal.h5

# Rules are not broken where no error is known.
cat >rule.yaml <<'END'
seed: 144
model: {name: linear-regression-gaussian, input_variance: 1, optimum: 0, label_noise: 1}
steps: 80
sweep: {learning_rate: [1/8, 1], batch_size: [2, 16]}
dynamics: {name: sgd}
realisations: 40
observe: {at: {steps: [60, 80]}, features: [x, norm2, gradient_norm2]}
analyse: {scaling-rule: {}}
END
expect 0 run rule.yaml -o rule.h5
says out "no error known: not judged"
if grep -q BROKEN out; then fail "a rule is broken without an error bar"; fi
no_nan
expect 0 run rule.yaml --set realisations=2^14 -o rule.h5 --force
says out "BROKEN"

# Sums that overflow are no error bars; an event that did not happen has no error of 0.
cat >lost.yaml <<'END'
seed: 5
model: {name: double-well, sigma: 3}
start: {point: 1}
learning_rate: 1/4
steps: 64
dynamics: {name: sde, scheme: euler-maruyama}
realisations: 3000
diverged_limit: 1
observe:
  at: {steps: {linear: 8}}
  features: [x, norm2]
  monitors: {name: far, feature: x0, operation: crossing, level: 1e300, direction: up}
  paths: {statistic: time-average, feature: norm2}
analyse: {escape: {}}
END
expect 0 run lost.yaml -o lost.h5
check grep -qE '^sde .* norm2 +[0-9.e+]+ +inf +heavy tail: do not trust the error bar' out
check grep -qE '^sde .* far +0 +0 +the same in all realisations' out
check grep -qE '^sde +0 +0 +- +\[0, [0-9.e-]+\]' out
no_nan

# Until the error of a rate of what never happens.
expect 0 run lost.yaml --set 'until={variable: escape_rate, relative: 0.1}' -o lost.h5 --force
says out "no error bar yet, as of an event that has not happened: NOT reached"

# What leaves within one interval has no constant rate.
cat >sure.yaml <<'END'
seed: 5
model: {name: ornstein-uhlenbeck, sigma: 0.001}
start: {point: 1}
time_step: 1/8
steps: 64
dynamics: {name: sde}
realisations: 2000
observe:
  at: {linear: 16}
  features: [x]
  monitors: {name: half, feature: x0, operation: crossing, level: 0.5, direction: down}
analyse: {escape: {}}
END
expect 0 run sure.yaml -o sure.h5
says out "the rate is NOT constant"

# Weak errors that no fit takes are counted.
cat >weak.yaml <<'END'
seed: 5
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 1}
horizon: 2
sweep: {learning_rate: [1/4, 1/8, 1/16]}
dynamics: [{name: sgd, batch_size: 1}, {name: sme1, batch_size: 1}]
realisations: 30
observe: {at: {linear: 2}, features: [x, norm2]}
analyse: {weak-error: {reference: sgd}}
END
expect 0 run weak.yaml -o weak.h5
says out "Remark: 12 of 12 errors (all times and rates) enter no fit: fewer than 1000 effective samples"
expect 0 run weak.yaml --set realisations=2^16 -o weak.h5 --force
if grep -q 'enter no fit' out; then fail "enough realisations, and errors that enter no fit"; fi

# A splitting whose repeats all died out has no rate, and no error of 0.
cat >split.yaml <<'END'
seed: 146
model: {name: quadratic, curvature: 1, noise: 1}
start: {point: 0}
learning_rate: 1/32
steps: 40
dynamics: {name: sgd, batch_size: 1}
realisations: 64
observe: {at: {linear: 2}, features: [x]}
splitting: {feature: x0, low: 0.1, high: 0.9, replicas: 2, repeats: 2, burn_in: 256, count: 10}
END
expect 0 split split.yaml -o split.h5
says out "no path of 2 repeats reached B: no rate and no error"
says out "[-, -]"
expect 0 split split.yaml -o split.h5 --json
says out '"rate_stderr": null'

report
