#!/bin/sh
# Groups through the program on the played device with a played NVRTC: pairs, twins, extrapolations and multilevel have the CPU's file, on one
# device, on two and beside the CPU; a device that pairs two realisations wrongly is found out; what is said without NVRTC.
#   sh cuda_groups.sh PROGRAM HASH FAKE NVRTC: hash_result, the folder of the played plug-in, the played NVRTC
. tests/cli/harness.inc
hash=$2
export ENSGRAD_PLUGIN_PATH="$3" ENSGRAD_FAKE_ORDER=steps ENSGRAD_NVRTC="$4" ENSGRAD_CACHE=/dev/null/none

cat >pairs.yaml <<'END2'
seed: 5
model: ornstein-uhlenbeck
start: {points: [[1], [0.5]]}
horizon: 1
sweep: {time_step: [1/8, 1/16]}
dynamics:
  - {name: sde, label: coarse}
  - {name: sde, label: fine, substeps: 4}
  - {name: sde, label: rich}
  - {name: sde, label: twin}
  - {name: sde, label: alone}
groups:
  - {label: steps, members: [coarse, fine]}
  - {label: rich, members: rich, across: time_step, extrapolate: 1}
  - {label: twins, members: twin, antithetic: true}
realisations: 20000
observe:
  at: {linear: 4}
  features: [x, norm2]
  statistics: [moments, covariance]
  histograms: [{feature: x, low: -2, high: 2}, {feature: norm2, bins: 32}]
  keep: {realisations: 7}
  paths: {statistic: msd}
END2
cat >levels.yaml <<'END2'
seed: 6
model: ornstein-uhlenbeck
start: {point: 1}
horizon: 1
time_step: 1/2
dynamics: {name: sde, label: p, scheme: euler-maruyama}
multilevel: {levels: 3, feature: norm2, relative: 0.02}
realisations: 2^16
observe: {at: {linear: 2}, features: [x, norm2]}
END2

# equal STUDY NAME OPTION..: the file has the CPU's bits
equal() {
  study=$1
  name=$2
  shift 2
  rm -f cuda.h5
  expect 0 run "$study.yaml" -o cuda.h5 -q "$@"
  check "$hash" cuda.h5 >"$name.hash"
  same "$name.hash" "$study.hash"
}

for study in pairs levels; do
  expect 0 run $study.yaml -o $study.h5 --backend cpu -q
  check "$hash" $study.h5 >$study.hash
  equal $study cuda --backend cuda --check-tiles 2
  equal $study auto
  is_empty err # nothing that kept it from the device
  ENSGRAD_FAKE_DEVICES=2 equal $study two --backend cuda
  equal $study all --backend all
done
expect 0 run pairs.yaml -o cuda.h5 -q --backend cuda --force
expect 0 info cuda.h5
says out 'Differences in groups at the last time'

# ---- what is computed where, and memory ----
expect 0 check pairs.yaml
says out 'cuda: about'

# ---- a device that pairs realisations wrongly ----
ENSGRAD_FAKE_FAULT=mispair:1 expect 6 run pairs.yaml -o wrong.h5 -q --backend cuda --check-tiles 1
says err 'gave wrong results'
ENSGRAD_FAKE_FAULT=mispair:1 equal pairs wrong --check-tiles 1
says err 'the GPU failed, the CPU goes on: cuda 0'
ENSGRAD_FAKE_FAULT=misbin:1 expect 6 run pairs.yaml -o wrong.h5 -q --backend cuda --check-tiles 1 --force
says err 'gave wrong results'
ENSGRAD_FAKE_FAULT=miscount:40 expect 6 run pairs.yaml -o wrong.h5 -q --backend cuda --check-tiles 1000000 --force
says err 'a histogram has' # its counts do not add up: that tile is not made again

# ---- without NVRTC: coarse members cannot be had, members of equal steps can ----
export ENSGRAD_NVRTC=/nowhere
expect 6 run pairs.yaml -o none.h5 --backend cuda -q
says err 'kernels that sum the increments of a finer member of their group are not compiled ahead'
equal pairs without
says err 'the GPU is not used'
sed '/label: coarse/d; /label: fine/d; /label: steps/d; /label: rich/d' pairs.yaml >twins.yaml
expect 0 run twins.yaml -o twins.h5 --backend cpu -q
check "$hash" twins.h5 >twins.hash
equal twins ahead --backend cuda
report
