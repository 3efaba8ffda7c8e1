#!/bin/sh
# Processes with known exponents on the command line: their tables, and what they refuse.
. tests/cli/harness.inc

cat >walk.yaml <<'END'
seed: 3
model: continuous-time-random-walk
time_step: 1
steps: 64
dynamics: sde
realisations: 2^10
observe: {at: {steps: {log: 5}}, features: [x, displacement2]}
END
expect 0 run walk.yaml -o walk.h5 --quiet
says out "displacement2"
expect 0 verify walk.h5
expect 3 run walk.yaml --set state=float
says err "needs state: double"
expect 3 run walk.yaml --set dynamics='[{name: sde, scheme: strang}]'
says err "drawn from its exact law; allowed scheme: exact"
expect 3 run walk.yaml --set noise=table5
says err "needs Gaussian noise"
expect 3 run walk.yaml --set dynamics=sgd
says err "'sgd' cannot be used with the model 'continuous-time-random-walk'"
says err "; the model lacks eg_loss"
expect 3 run walk.yaml --set model='{name: continuous-time-random-walk, exponent: 1.5}'
says err "[0.1, 1]"

sed 's/continuous-time-random-walk/fractional-brownian-motion/' walk.yaml >path.yaml
expect 0 check path.yaml --set steps=65536
expect 3 check path.yaml --set steps=65537
says err "at most 65536 steps are allowed"
expect 3 check path.yaml --set model='{name: fractional-brownian-motion, exponent: 2}'
says err "[0.04, 1.96]"
expect 3 check path.yaml --set steps=64 --set dynamics='[{name: sde, label: a}, {name: sde, label: b, substeps: 2}]' \
  --set groups='[{label: pair, members: [a, b]}]' --set observe='{at: [64], features: [x]}'
says err "cannot be summed into those of a longer step"

sed 's/continuous-time-random-walk/levy-walk/' walk.yaml >levy.yaml
expect 3 check levy.yaml --set model='{name: levy-walk, tail: 0.75}'
says err "never come to equilibrium"
expect 0 check levy.yaml --set model='{name: levy-walk, tail: 0.75, equilibrated: 0}'
expect 3 check levy.yaml --set model='{name: levy-walk, equilibrated: 0.5}'
says err "allowed: 0, 1"

sed 's/continuous-time-random-walk/annealed-transit-time/' walk.yaml >transit.yaml
expect 3 check transit.yaml --set model='{name: annealed-transit-time, gamma: 2.5}'
says err "must be below 1"

echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
