#!/bin/sh
# Entries with times of their own (`at`): every statistic has the bits of a study that observes at those times alone; what is
# printed, exported and replayed; what is refused.
. tests/cli/harness.inc
reader=$root/tests/cli/read_schedules.py
/usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null || { echo "python3-h5py is missing"; exit 77; }

observe='{at: {linear: 6}, features: [x, norm2], statistics: [moments, covariance]'
msd='{statistic: msd'
windows='{statistic: time-averaged-msd'
late='{statistic: product, feature: x0, with: norm2, origin: 24'
narrow='{feature: displacement2, bins: 12, low: 0, high: 6'
fixed='{feature: x0, bins: 9, low: -2, high: 2'
keep='{realisations: 70, of: [x, displacement2]'
log='{steps: {log: 11}}' dense='{linear: 24}' few='[3, 4.5, 12]'

# compare NAME: the study in part.yaml with everything, and with each part alone.
compare() {
  run() {
    to=$1
    shift
    expect 0 run part.yaml -o "$to.h5" --force -q --backend cpu --threads 2 "$@"
  }
  for part in all main log dense few histograms keep; do rm -f $part.h5; done
  run all --set observe="$observe, paths: [$msd, at: $log}, $windows, at: $dense}, $late, at: $few}],
    histograms: [$narrow, at: $few}, $automatic, at: $dense}], keep: $keep, at: $log}}"
  run main --set observe="$observe}"
  run log --set observe="{at: $log, features: [x, displacement2], paths: $msd}, keep: $keep}}"
  run dense --set observe="{at: $dense, features: [x], paths: $windows}, histograms: $automatic}}"
  run few --set observe="{at: $few, features: [x, norm2, displacement2], paths: $late}, histograms: $narrow}}"
  check /usr/bin/python3 "$reader" "$1" all.h5 main.h5 log.h5 dense.h5 few.h5
}

head='seed: 4
start: {points: [[0.5], [4.1]]}
learning_rate: 1/8
horizon: 12
realisations: 900
diverged_limit: 1
observe: {at: {linear: 2}, features: [x]}
'
two='{name: sgd, batch_size: 1}, {name: sme2, factor: data, substeps: 2}'
printf '%smodel: {name: double-well, sigma: 2}\ndynamics: [%s]\n' "$head" "$two" >part.yaml
automatic=$fixed # a feature that overflows ends a trajectory where it is looked at, and so moves a grid from tile 0
compare "two points, lost trajectories"
automatic='{feature: x0, bins: 9'
printf 'state: float\n' >>part.yaml
compare "float state"
printf '%smodel: {name: double-well, sigma: 0.1}\ndynamics: [%s]\ngroups: [{label: both, members: [sgd, sme2]}]\n' "$head" \
  '{name: sme2, factor: data, label: sgd}, {name: sme2, factor: data, substeps: 2}' >part.yaml
compare "a group"
printf '%smodel: {name: linear-regression, data: %s, columns: [0, 1, 2]}\nform: team\ndynamics: [{name: sgd, batch_size: 2}]\n' \
  "$head" "$root/data/diabetes.h5" | sed 's/^start.*/start: {point: 0.5}/; s/: 900/: 70/' >part.yaml
automatic=$fixed
compare "team form"

# As printed and exported; a kept path is what replay repeats.
cp "$root/tests/golden/studies/schedules.yaml" all.yaml
expect 0 run all.yaml -q --backend cpu -o one.h5 --force --threads 1
expect 0 run all.yaml -q --backend cpu -o all.h5 --force --threads 3
says out "Histograms; fractions outside the grid at the last time, point 0"
check /usr/bin/python3 "$reader" --same one.h5 all.h5
expect 0 export all.h5 --what paths -o paths.csv
check [ "$(wc -l <paths.csv)" -eq $((1 + 3 * 2 * 100 * 3 * 2)) ]
expect 0 export all.h5 --what histograms -o histograms.csv
check [ "$(grep -c ',norm2,' histograms.csv)" -eq $((3 * 2 * 3 * 12)) ]
expect 0 replay all.h5 --run sgd --realisation 7 --point 1 --csv -
cp out replayed
check /usr/bin/python3 "$reader" --replayed all.h5 replayed 0 7 1
expect 0 check all.yaml
says out "and at other times for histograms, kept paths and statistics of paths"

# What cannot be.
refuse() { # TEXT OVERRIDE
  expect 3 run all.yaml -o never.h5 --set "$2"
  says err "$1"
  check [ ! -e never.h5 ]
}
refuse "'observe.keep.at' = 13 is behind the end: 'horizon' = 12" 'observe.keep={realisations: 1, at: [1, 13]}'
refuse "'observe.keep.at.steps' needs one of 'log', 'linear'" 'observe.keep={realisations: 1, at: {steps: {}}}'
refuse "'observe.paths.at' must increase: 1 follows 2" 'observe.paths={statistic: msd, at: [2, 1]}'
refuse "is not a whole number of steps of learning_rate" 'observe.paths={statistic: msd, at: [0.3]}'
refuse "origin 4 of path statistic 'msd' is no observed step of run 'sgd'; the nearest one is 3" \
  'observe.paths={statistic: msd, origin: 4, at: {steps: [1, 3, 9]}}'
refuse "are counted at different times: give both the same 'at'" 'observe.joint_histograms={of: x0, with: loss}'
refuse "which is not among 'observe.features': add it there" 'observe.histograms={feature: loss}'

# The team form's loss at other times alone needs what the loss of all times does.
printf '%s\n' "seed: 5" "model: {name: linear-regression, data: $root/data/diabetes.h5, columns: [0, 1, 2, 3]}" "form: team" \
  "start: {point: [1, 1, 1, 1]}" "learning_rate: 1/16" "steps: 30" "dynamics: {name: sgd, batch_size: 2}" "realisations: 100" \
  "observe: {at: {steps: [1, 30]}, features: [x], histograms: {feature: loss, low: 0, high: 9, bins: 10, at: {steps: [2, 30]}}}" >loss.yaml
expect 0 run loss.yaml -o without.h5 -q
expect 0 run loss.yaml -o with.h5 -q --set "observe.features=[x, loss]"
check /usr/bin/python3 -c 'import h5py
a, b = (h5py.File(f)["accumulators/histogram_counts"][...] for f in ("without.h5", "with.h5"))
assert a.sum() == 200 and a[0] < 100 and (a == b).all()'
report
