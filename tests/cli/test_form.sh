#!/bin/sh
# form, model.columns and labels: what check prints, what is refused and why, and a stop in the middle of long steps.
. tests/cli/harness.inc

cp "$root/data/breast_cancer.h5" "$root/data/diabetes.h5" .
cat >study.yaml <<'END'
seed: 1
model: {name: logistic-regression, data: breast_cancer.h5, ridge: 0.01}
learning_rate: 1/8
steps: 4000
dynamics: {name: sme2, batch_size: 2}
realisations: 64
observe: {at: {steps: [4000]}, features: [norm2]}
END
expect 0 check study.yaml
says out "dimension 30 (padded to 32), form team"
expect 0 check study.yaml --set "model.columns=[3, 0]"
says out "dimension 2 (padded to 2), form lane"
expect 0 check study.yaml --set "model.columns=[3, 0]" --set form=team
says out "dimension 2 (padded to 32), form team"
expect 3 check study.yaml --set form=lane
says err "in form lane (team has more); the study has 30"
expect 3 check study.yaml --set "model.columns=[3, 30]"
says err "there is no column 30 in"
says err "which has 30 (0 to 29)"
expect 3 check study.yaml --set model.data=diabetes.h5
says err "the labels of logistic-regression must be 0 or 1"
expect 3 check study.yaml --set "dynamics={name: sme1, factor: cholesky}"
says err "up to dimension 6; allowed: pair, data"
expect 3 check study.yaml --set "model={name: quadratic, dimension: 1}" --set form=team
says err "model 'quadratic' has no team form; allowed: auto, lane"
expect 3 check study.yaml --set "model={name: quadratic, columns: [1]}"
says err "'model.columns' is not for 'quadratic'"

# Minutes of work in one tile: the stop comes within it.
begin=$(date +%s)
expect 75 run study.yaml -o long.h5 --backend cpu --quiet --threads 1 --max-time 1
check [ $(($(date +%s) - begin)) -le 20 ] # a busy machine; undisturbed it is 1
expect 0 verify long.h5

report
