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

# What help says that the team form is without: each of its words is refused there and taken in lane form; all others that lane form
# takes are taken by both.
cat >words.yaml <<'END'
seed: 2
model: {name: linear-regression, data: diabetes.h5, columns: [0, 1, 2, 3], ridge: 0.01}
learning_rate: 1/32
steps: 20
dynamics: {name: sgd, batch_size: 1}
realisations: 64
observe: {at: {steps: [20]}, features: [norm2]}
END
expect 0 help dynamics
cp out help
without() { # the words of a line of the last section
  awk -v name="$1" '/: the team form, of / { last = 1 } last && $1 == name { sub("^  [a-z ]* " name "|^  " name, ""); print }' help
}
tried=0
try_words() { # NAME WORDS BEFORE AFTER
  listed=" $(without "$1" | tr -s ' ') "
  for word in $2; do
    case $listed in *" $word "*) wanted=3 ;; *) wanted=0 ;; esac
    "$program" check words.yaml --set form=lane --set "dynamics={$3$word$4}" >out 2>err
    if [ $? -ne 0 ]; then
      check [ $wanted -eq 0 ] # nothing listed that lane form has not either
      continue
    fi
    expect $wanted check words.yaml --set form=team --set "dynamics={$3$word$4}"
    tried=$((tried + 1))
  done
}
words_of() { sed -n "/^$1/,/^\$/p" help | awk '/^  [a-z]/ { print $1 }'; }
try_words dynamics "$(awk '/^[a-z]/ && NF == 1' help)" "name: " ", batch_size: 1"
try_words dynamics gradient-flow "name: " ""
try_words schemes "$(words_of Schemes | grep -v srk2)" "name: sme1, scheme: " ""
expect 0 check words.yaml --set "dynamics={name: sme1, scheme: srk2, factor: cholesky}" --set form=lane
try_words factors "$(words_of Factors)" "name: sme1, factor: " ""
try_words sampling "$(words_of Sampling)" "name: sgd, batch_size: 1, sampling: " ""
try_words gradient "minibatch gaussian-exact gaussian-decoupled" "name: sgd, batch_size: 1, gradient_noise: " ""
try_words gradient constant "name: sgd, batch_size: 1, gradient_noise: {law: " ", covariance: 1}"
try_words keys "input_noise label_noise weight_decay momentum clip" "name: sgd, batch_size: 1, " ": 0.5"
check [ "$tried" -ge 37 ] # of 38
check [ "$(without keys | wc -w)" -eq 0 ]
check [ "$(without sampling | wc -w)" -eq 0 ]

# Replay repeats what was kept; members of a group share their draws as in lane form, with equal steps only.
cat >group.yaml <<'END'
seed: 2
model: {name: linear-regression, data: diabetes.h5, ridge: 0.01}
start: {point: 0.5}
learning_rate: 1/32
steps: 20
dynamics:
  - {name: sme1, batch_size: 2, factor: pair, label: first}
  - {name: sme2, batch_size: 2, factor: pair, label: second}
groups: [{label: order, members: [first, second]}]
realisations: 100
observe: {at: {steps: [20]}, features: [norm2, loss], keep: {realisations: 100, of: [norm2, loss]}}
END
for form in lane team; do
  expect 0 run group.yaml -o $form.h5 --quiet --backend cpu --set form=$form
  expect 0 verify $form.h5
  expect 0 info $form.h5
  sed -n '/^Differences/,/^$/p' out >$form.differences
done
check [ -s team.differences ]
same lane.differences team.differences
expect 0 export team.h5 --what paths
awk -F, '$2 == "second" && $7 == 77 { print $10 }' out >kept
check [ "$(wc -l <kept)" -eq 2 ]
expect 0 replay team.h5 --run second --realisation 77 --steps 20:20 --csv replayed.csv
tail -n 1 replayed.csv | cut -d, -f13,14 | tr , '\n' >replayed
same kept replayed
expect 3 check group.yaml --set form=team --set "dynamics=[{name: sme1, factor: data, label: first, batch_size: 2}, {name: sme1, factor: data, label: second, batch_size: 2, substeps: 2}]"
says err "the team form does not sum increments, so members need equal steps"
expect 3 check group.yaml --set form=team --set "observe.histograms=[{feature: norm2}]"
says err "in team form has only 1 realisations of 10 components"

# Minutes of work in one tile: the stop comes within it. CPU time, as others may use the machine too.
cat >seconds.py <<'END'
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime))
sys.exit(code)
END
seconds=$(/usr/bin/python3 seconds.py "$program" run study.yaml -o long.h5 --backend cpu --quiet --threads 1 --max-time 1 2>err)
check [ $? -eq 75 ]
check [ "$seconds" -le 20 ] # with sanitizers; without it is 1
expect 0 verify long.h5

report
